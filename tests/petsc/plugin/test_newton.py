"""A learned start of Newton's method: fewer steps to the same solution, or the program's own."""

import hashlib
import json
import re

import numpy as np
import pytest

from metasolve.guess.newton_file import NewtonGuess
from metasolve.program.newton import _read
from metasolve.program.reading import petsc_vectors

GRID = ["-da_grid_x", "20", "-da_grid_y", "20", "-snes_converged_reason"]
REASON = re.compile(r"Nonlinear solve .* due to (\w+) iterations (\d+)")


@pytest.fixture(scope="module")
def bratu(tutorial):
    """`bratu(par, *more)`: the command of PETSc's SNES ex5 for a parameter."""
    return lambda par, *more: [*tutorial("snes/ex5"), "-par", f"{par:.6f}", *GRID, *more]


def plugged(run_program, library, command, mode, folder, ranks=1, options="", log=None):
    variables = {
        "METASOLVE_MODE": mode,
        "METASOLVE_DIR": str(folder),
        "PETSC_OPTIONS": f"{options} -dll_append {library}",
        **({"METASOLVE_LOG": str(log)} if log else {}),
    }
    done = run_program(command, env=variables, ranks=ranks)
    assert done.returncode == 0, done.stderr
    return done


def recorded(run_program, library, bratu, folder, ranks=1):
    """F at the program's own starts and solutions, for parameters up to near the fold."""
    (folder / "vectors").mkdir(parents=True)
    for par in np.linspace(0.5, 6.7, 16):
        plugged(run_program, library, bratu(par), "record-newton", folder, ranks)
    F, x = zip(*_read(folder), strict=True)
    return np.array(F), np.array(x)


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
    """`learned(ranks)`: what 16 runs on so many ranks teach, and the model directory."""
    known = {}

    def learn(ranks):
        if ranks not in known:
            folder = tmp_path_factory.mktemp("newton")
            pairs = recorded(run_program, plugin_library, bratu, folder / "recording", ranks)
            guess = NewtonGuess.fit(*pairs, entries=4, modes=8)
            known[ranks] = guess, written(folder / "model", guess.to_bytes())
        return known[ranks]

    return learn


@pytest.fixture
def run_newton(run_program, plugin_library, bratu, tmp_path):
    """`run_newton(model, par)`: reason, iterations, solution and log line of a run."""

    def run(model, par, *more, ranks=1, options=""):
        out, log = tmp_path / "x.bin", tmp_path / "log"
        log.unlink(missing_ok=True)
        command = bratu(par, "-snes_view_solution", f"binary:{out}", *more)
        if model is None:
            done, line = run_program(command, ranks=ranks), {}
        else:
            done = plugged(run_program, plugin_library, command, "run", model, ranks, options, log)
            lines = [json.loads(text) for text in log.read_text().splitlines()]
            line = next((each for each in lines if each.get("kind") == "nonlinear"), {})
        reason, iterations = REASON.search(done.stdout).groups()
        return reason, int(iterations), petsc_vectors(out.read_bytes())[0], line

    return run


@pytest.mark.parametrize("ranks", [1, 2])
def test_recording_changes_nothing(ranks, run_program, plugin_library, bratu, tmp_path):
    (tmp_path / "vectors").mkdir()
    command = bratu(3.0, "-snes_monitor", "-ksp_monitor")
    own = run_program(command, ranks=ranks)
    done = plugged(run_program, plugin_library, command, "record-newton", tmp_path, ranks)
    assert done.stdout == own.stdout
    ((F, x),) = _read(tmp_path)
    assert F.shape == x.shape == (400,)
    norms = re.findall(r"SNES Function norm (\S+)", own.stdout)
    assert np.linalg.norm(F) == pytest.approx(float(norms[0]), rel=1e-6)


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("par", [1.3, 4.1, 6.2])
def test_a_learned_start_takes_fewer_steps_to_the_same_solution(ranks, par, learned, run_newton):
    guess, model = learned(ranks)
    own = run_newton(None, par, ranks=ranks)
    reason, iterations, x, line = run_newton(model, par, ranks=ranks)
    assert line["source"] == "guess"
    assert line["start"] < 0.05
    assert reason in ("CONVERGED_FNORM_RELATIVE", "CONVERGED_FNORM_ABS")
    assert iterations < own[1]
    assert np.linalg.norm(x - own[2]) <= 1e-5 * np.linalg.norm(own[2])
    assert guess.predict.error < 0.1


def test_the_plug_in_starts_where_the_library_says(learned, run_newton, tmp_path, bratu):
    """Newton's method stopped at once leaves the start itself; nearly so far from convergence."""
    guess, model = learned(1)
    _, _, x, line = run_newton(model, 2.2, "-snes_rtol", "0.9")
    assert line["source"] == "guess"
    assert line["iterations"] == 0
    exact = run_newton(None, 2.2)[2]
    away = np.linalg.norm(x - exact) / np.linalg.norm(exact)
    assert 0 < away <= 2 * guess.predict.error


def test_another_grid_is_left_alone(learned, run_newton):
    _, model = learned(1)
    grid = ["-da_grid_x", "21", "-da_grid_y", "19"]
    own = run_newton(None, 2.0, *grid)
    reason, iterations, x, line = run_newton(model, 2.0, *grid)
    assert line["source"] == "own"
    assert (reason, iterations) == own[:2]
    np.testing.assert_array_equal(x, own[2])


def test_a_start_of_another_numbering_is_no_start(learned, run_newton):
    """Learned on one rank; cut across its rows, a DMDA numbers its unknowns otherwise on two."""
    _, model = learned(1)
    across = ["-da_processors_x", "2", "-da_processors_y", "1"]
    own = run_newton(None, 3.0, *across, ranks=2)
    _, _, x, line = run_newton(model, 3.0, *across, ranks=2)
    assert line["source"] == "own"
    np.testing.assert_array_equal(x, own[2])


@pytest.mark.parametrize("ranks", [1, 2])
def test_where_newton_fails_from_there_it_starts_again_where_the_program_does(
    ranks, learned, run_newton
):
    _, model = learned(ranks)
    few = ["-snes_max_it", "1", "-snes_rtol", "1e-30", "-snes_atol", "0", "-snes_stol", "0"]
    own = run_newton(None, 6.5, *few, ranks=ranks)
    reason, iterations, x, line = run_newton(model, 6.5, *few, ranks=ranks)
    assert line["source"] == "fallback"
    assert (reason, iterations) == own[:2] == ("DIVERGED_MAX_IT", 1)
    np.testing.assert_array_equal(x, own[2])


def test_the_trust_region_method_is_started_too(learned, run_newton):
    _, model = learned(1)
    own = run_newton(None, 4.0, "-snes_type", "newtontr")
    _, iterations, x, line = run_newton(model, 4.0, "-snes_type", "newtontr")
    assert line["source"] == "guess"
    assert iterations <= own[1]
    assert np.linalg.norm(x - own[2]) <= 1e-4 * np.linalg.norm(own[2])


def test_a_truncated_file_is_said_to_be_one(
    learned, run_newton, run_program, plugin_library, bratu, tmp_path
):
    guess, _ = learned(1)
    model = written(tmp_path / "broken", guess.to_bytes()[:-8])
    own = run_program(bratu(2.0))
    done = plugged(run_program, plugin_library, bratu(2.0), "run", model)
    assert done.stdout == own.stdout
    assert "newton.bin is truncated" in done.stderr
