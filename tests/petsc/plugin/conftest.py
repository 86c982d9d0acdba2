"""Models with known settings, and programs run with them through the plug-in."""

import json

import pytest

from metasolve.errors import PluginError

from ..conftest import write_policy


@pytest.fixture(scope="session")
def plugin_library():
    from metasolve.petsc import library

    try:
        return library.build()
    except PluginError as error:
        pytest.skip(f"the plug-in cannot be built here: {error}")


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
def run_with(tmp_path, plugin_library, run_program):
    """`run_with(model, command, ranks=1, options="")`: the finished process and its log lines."""

    def run(model, command, ranks=1, options="", env=None):
        log = tmp_path / "run.jsonl"
        log.unlink(missing_ok=True)
        variables = {
            "METASOLVE_MODE": "run",
            "METASOLVE_DIR": str(model),
            "METASOLVE_LOG": str(log),
            "PETSC_OPTIONS": f"{options} -dll_append {plugin_library}",
            **(env or {}),
        }
        done = run_program(command, env=variables, ranks=ranks)
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return done, lines

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
