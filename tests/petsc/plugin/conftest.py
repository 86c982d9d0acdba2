"""Models with known settings, and programs run with them through the plug-in."""

import json
import shutil

import numpy as np
import pytest

from metasolve.recorded.guess import learn_guess

from ..conftest import write_policy

SIZE = 48  # points a side of the grid that a guess is learned on


@pytest.fixture(scope="session")
def feature_names(plugin_library):
    from metasolve.petsc.library import plugin

    return plugin().names


@pytest.fixture
def constant_model(tmp_path, plugin_library):
    """`constant_model(pc_type="jacobi", ...)`: a model that always chooses these settings."""

    def make(low=-1e9, high=1e9, seconds=1.0, **settings):
        kept = ("kind", "petsc", "names", "patience", "least_rows", "look", "second")
        more = {name: settings.pop(name) for name in kept if name in settings}
        return write_policy(
            tmp_path / "model", settings, low=low, high=high, expected=seconds, **more
        )

    return make


@pytest.fixture
def run_with(tmp_path, plugin_library, run_program, request):
    """`run_with(model, command, ranks=1, options="")`: the finished process, its solves' lines.

    Time is counted work, or what else the machine does would decide. `clock=True` is for laws of
    the clock itself, whose tests are marked as timed. What is learned is kept in seconds alone.
    """

    def run(model, command, ranks=1, options="", env=None, clock=False):
        log = tmp_path / "run.jsonl"
        log.unlink(missing_ok=True)
        assert not clock or request.node.get_closest_marker("timed")
        seconds = clock or "METASOLVE_STATE" in (env or {})
        variables = {
            "METASOLVE_MODE": "run",
            "METASOLVE_DIR": str(model),
            "METASOLVE_LOG": str(log),
            "METASOLVE_DETERMINISTIC": "0" if seconds else "1",
            "PETSC_OPTIONS": f"{options} -dll_append {plugin_library}",
            **(env or {}),
        }
        done = run_program(command, env=variables, ranks=ranks)
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return done, [line for line in lines if line["source"] not in ("run", "left", "state")]

    return run


@pytest.fixture
def record_with(tmp_path, plugin_library, run_program):
    """`record_with(command, ranks=1)`: the finished process and the recording directory."""

    def record(command, ranks=1, options="", out=None, **variables):
        out = out or tmp_path / "recording"
        for folder in ("operators", "vectors"):
            (out / folder).mkdir(parents=True, exist_ok=True)
        env = {
            "METASOLVE_MODE": "record",
            "METASOLVE_DIR": str(out),
            "PETSC_OPTIONS": f"{options} -dll_append {plugin_library}",
            **{f"METASOLVE_{name.upper()}": str(value) for name, value in variables.items()},
        }
        return run_program(command, env=env, ranks=ranks), out

    return record


# --- a guess, learned from systems of one grid ---------------------------------------------------


def cases(path, count, seed, size=SIZE):
    """Lines for the program's -list: one grid, varying wind and diffusion."""
    rng = np.random.default_rng(seed)
    lines = [
        f"{size} {10 ** rng.uniform(0, 2):.6g} {rng.uniform(0, 360):.6g} recirculating "
        f"{10 ** rng.uniform(0, 2):.6g}"
        for _ in range(count)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def program(solver_program):
    return solver_program("convection_diffusion")


@pytest.fixture(scope="session")
def learned(program, plugin_library, tmp_path_factory):
    """A model of nothing but a guess, and what learning it said."""
    from metasolve.petsc.recording import record

    folder = tmp_path_factory.mktemp("guess")
    given = cases(folder / "train.txt", 60, 1)
    record([*program, "-list", str(given)], folder / "recording")
    options = {"modes": (4, 40), "calls": 0, "repeats": 3}
    found = learn_guess(folder / "recording", folder / "model", **options)
    return folder / "model", found, folder / "recording"


@pytest.fixture
def unseen(tmp_path):
    return cases(tmp_path / "unseen.txt", 8, 2)


def copied(model, tmp_path):
    return shutil.copytree(model, tmp_path / "copy")


def norms(output):
    return [float(line.rsplit("norm", 1)[1]) for line in output.splitlines() if " norm " in line]
