"""A learned start of Newton's method: fewer steps to the same solution, or the program's own."""

import hashlib
import json
import re

import numpy as np
import pytest

from metasolve.guess.newton_file import NewtonGuess
from metasolve.program.reading import petsc_vectors
from metasolve.program.solutions import read_solution

REASON = re.compile(r"Nonlinear solve .* due to (\w+) iterations (\d+)")


@pytest.fixture(scope="module")
def bratu(tutorial):
    """`bratu(par, *more, n=20)`: the command of PETSc's SNES ex5 for a parameter and a grid."""

    def command(par, *more, n=20):
        grid = ["-da_grid_x", str(n), "-da_grid_y", str(n + 3)]
        return [*tutorial("snes/ex5"), "-par", f"{par:.6f}", *grid, "-snes_converged_reason", *more]

    return command


def plugged(run_program, library, command, mode, folder, *, par=0.0, ranks=1, options="", log=None):
    variables = {
        "METASOLVE_MODE": mode,
        "METASOLVE_DETERMINISTIC": "1",
        "METASOLVE_DIR": str(folder),
        "METASOLVE_INPUTS": f"{par:.17g}",
        "PETSC_OPTIONS": f"{options} -dll_append {library}",
        **({"METASOLVE_LOG": str(log)} if log else {}),
    }
    done = run_program(command, env=variables, ranks=ranks)
    assert done.returncode == 0, done.stderr
    return done


def recorded(run_program, library, command, folder, ranks=1):
    """The solution of a run."""
    (folder / "vectors").mkdir(parents=True)
    plugged(run_program, library, command, "record-newton", folder, ranks=ranks)
    return read_solution(folder)


def written(folder, data):
    """A model directory that holds nothing but a start."""
    folder.mkdir(exist_ok=True)
    body = "metasolve-policy 5\npetsc -\nkind program\n"
    digest = hashlib.sha256(body.encode()).hexdigest()
    (folder / "policy.txt").write_text(f"{body}sha256 {digest}\n")
    (folder / "newton.bin").write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def learned(run_program, plugin_library, bratu, tmp_path_factory):
    """What 16 runs on grids of their own teach, and the model directory."""
    folder = tmp_path_factory.mktemp("newton")
    parameters, sizes = np.linspace(0.5, 6.7, 16), 16 + np.arange(16) * 5 % 16
    solutions = [
        recorded(run_program, plugin_library, bratu(par, n=n), folder / f"{par}")
        for par, n in zip(parameters, sizes, strict=True)
    ]
    guess = NewtonGuess.fit(parameters[:, None], solutions, modes=8)
    return guess, written(folder / "model", guess.to_bytes())


@pytest.fixture
def run_newton(run_program, plugin_library, bratu, tmp_path):
    """`run_newton(model, par, n=20)`: reason, iterations, solution and log line of a run."""

    def run(model, par, *more, n=20, ranks=1):
        out, log = tmp_path / "x.bin", tmp_path / "log"
        log.unlink(missing_ok=True)
        command = bratu(par, "-snes_view_solution", f"binary:{out}", *more, n=n)
        if model is None:
            done, line = run_program(command, ranks=ranks), {}
        else:
            options = {"par": par, "ranks": ranks, "log": log}
            done = plugged(run_program, plugin_library, command, "run", model, **options)
            lines = [json.loads(text) for text in log.read_text().splitlines()]
            line = next((each for each in lines if each.get("kind") == "nonlinear"), {})
        reason, iterations = REASON.search(done.stdout).groups()
        return reason, int(iterations), petsc_vectors(out.read_bytes())[0], line

    return run


@pytest.mark.parametrize("ranks", [1, 2])
def test_recording_changes_nothing(ranks, run_program, plugin_library, bratu, tmp_path):
    (tmp_path / "vectors").mkdir()
    out = tmp_path / "x.bin"
    monitors = ["-snes_monitor", "-ksp_monitor", "-snes_view_solution", f"binary:{out}"]
    own = run_program(bratu(3.0, *monitors), ranks=ranks)
    options = {"ranks": ranks}
    done = plugged(
        run_program, plugin_library, bratu(3.0, *monitors), "record-newton", tmp_path, **options
    )
    assert done.stdout == own.stdout
    x = read_solution(tmp_path)
    assert x.shape == (1, 23, 20, 1)
    np.testing.assert_array_equal(x.ravel(), petsc_vectors(out.read_bytes())[0])


@pytest.mark.parametrize("across", [(), ("-da_processors_x", "2", "-da_processors_y", "1")])
@pytest.mark.parametrize(("par", "n"), [(1.3, 20), (4.1, 33), (6.2, 64)])
def test_a_learned_start_takes_fewer_steps_to_the_same_solution(
    across, par, n, learned, run_newton
):
    """On grids that were not learned from, whichever rank has which part of them."""
    guess, model = learned
    for ranks in (2,) if across else (1, 2):
        own = run_newton(None, par, *across, n=n, ranks=ranks)
        reason, iterations, x, line = run_newton(model, par, *across, n=n, ranks=ranks)
        assert line["source"] == "guess"
        assert line["start"] < 0.3
        assert reason in ("CONVERGED_FNORM_RELATIVE", "CONVERGED_FNORM_ABS")
        assert iterations < own[1]
        assert np.linalg.norm(x - own[2]) <= 1e-5 * np.linalg.norm(own[2])
    assert guess.error < 0.01


@pytest.mark.parametrize("n", [17, 20, 40])
def test_the_plug_in_starts_where_the_library_says(n, learned, run_newton):
    """Newton's method stopped at once leaves the start itself."""
    guess, model = learned
    _, _, x, line = run_newton(model, 2.2, "-snes_rtol", "0.99", n=n)
    assert (line["source"], line["iterations"]) == ("guess", 0)
    np.testing.assert_allclose(x, guess([2.2], (1, n + 3, n)), atol=1e-12)


def test_vectors_of_no_grid_start_where_the_library_says(
    run_program, plugin_library, tutorial, tmp_path
):
    """PETSc's SNES ex2: a finite difference code that keeps its grid to itself."""
    (binary,) = tutorial("snes/ex2")
    command = [binary, "-n", "40", "-snes_monitor"]
    x = recorded(run_program, plugin_library, command, tmp_path / "recording")
    assert x.shape == (40,)
    guess = NewtonGuess.fit([[0.0], [1.0], [2.0]], [x, 0.9 * x, 1.2 * x], modes=2)
    model = written(tmp_path / "model", guess.to_bytes())
    own = run_program(command).stdout
    done = plugged(run_program, plugin_library, command, "run", model).stdout
    assert 1 <= done.count("Function norm") < own.count("Function norm")
    other = [binary, "-n", "41", "-snes_monitor"]
    done = plugged(run_program, plugin_library, other, "run", model)
    assert done.stdout == run_program(other).stdout


@pytest.mark.parametrize("text", ["", "1,2", "nan", "2.0x"])
def test_inputs_of_another_model_are_no_inputs(text, learned, run_program, plugin_library, bratu):
    _, model = learned
    variables = {
        "METASOLVE_MODE": "run",
        "METASOLVE_DIR": str(model),
        "METASOLVE_INPUTS": text,
        "PETSC_OPTIONS": f"-dll_append {plugin_library}",
    }
    assert run_program(bratu(2.0), env=variables).stdout == run_program(bratu(2.0)).stdout


@pytest.mark.parametrize("ranks", [1, 2])
def test_where_newton_fails_from_there_it_starts_again_where_the_program_does(
    ranks, learned, run_newton
):
    _, model = learned
    few = ["-snes_max_it", "1", "-snes_rtol", "1e-30", "-snes_atol", "0", "-snes_stol", "0"]
    own = run_newton(None, 6.5, *few, ranks=ranks)
    reason, iterations, x, line = run_newton(model, 6.5, *few, ranks=ranks)
    assert line["source"] == "fallback"
    assert (reason, iterations) == own[:2] == ("DIVERGED_MAX_IT", 1)
    np.testing.assert_array_equal(x, own[2])


def test_the_trust_region_method_is_started_too(learned, run_newton):
    _, model = learned
    own = run_newton(None, 4.0, "-snes_type", "newtontr")
    _, iterations, x, line = run_newton(model, 4.0, "-snes_type", "newtontr")
    assert line["source"] == "guess"
    assert iterations <= own[1]
    assert np.linalg.norm(x - own[2]) <= 1e-4 * np.linalg.norm(own[2])


def test_a_truncated_file_is_said_to_be_one(learned, run_program, plugin_library, bratu, tmp_path):
    guess, _ = learned
    model = written(tmp_path / "broken", guess.to_bytes()[:-8])
    own = run_program(bratu(2.0))
    done = plugged(run_program, plugin_library, bratu(2.0), "run", model)
    assert done.stdout == own.stdout
    assert "newton.bin is truncated" in done.stderr
