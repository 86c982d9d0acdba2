"""A program that MPI starts: ranks vary, settings reach every rank, nothing is left."""

import contextlib
import time
from pathlib import Path

import pytest

from metasolve.program.case_file import read_case
from metasolve.program.instances import instance
from metasolve.program.production import match_command
from metasolve.program.solver import ProgramSolver
from metasolve.solve.outcome import Reason
from metasolve.solve.solver import Budget

CASE = """
command = "{command} -da_grid_x {{n}} -da_grid_y {{n}} -snes_converged_reason -snes_max_it 60"
timeout = 60

[[vary]]
name = "ranks"
type = "choice"
values = ["1", "2"]

[[vary]]
name = "n"
type = "integer"
low = 8
high = 400

[settings]
through = "petsc"

[[space.setting]]
name = "snes_lag_preconditioner"
type = "integer"
low = 1
high = 8
default = 1

[cost]
pattern = 'SNES iterations = (\\d+)'
unit = "count"

[success]
pattern = "solve converged"
"""


@pytest.fixture
def parallel(tutorial, ranks, tmp_path):
    """A case whose command starts with mpiexec."""
    launcher = [{"2": "{{ranks}}"}.get(word, word) for word in ranks(tutorial("snes/ex19"), 2)]
    text = " ".join(launcher).replace("{{ranks}}", "{ranks}")
    (tmp_path / "case.toml").write_text(CASE.format(command=text))
    return read_case(tmp_path)


def running_in(folder):
    """Processes whose working directory is, or was, below a folder."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            found += [link.parent.name] if str(link.readlink()).startswith(str(folder)) else []
    return found


def test_ranks_vary_and_settings_reach_the_program(parallel, scratch_home):
    solver = ProgramSolver(parallel)
    costs = {}
    for count in ("1", "2"):
        each = instance(parallel, {"ranks": count, "n": "12"})
        own = solver.solve(each, {}, Budget())
        lagged = solver.solve(each, {"snes_lag_preconditioner": 8}, Budget())
        assert own.ok
        assert lagged.ok
        costs[count] = (own.fractional_iterations, lagged.fractional_iterations)
    assert costs["1"][0] > 0
    assert not list(scratch_home.iterdir())


def test_a_time_out_ends_the_launcher_and_its_ranks(parallel, scratch_home):
    solver = ProgramSolver(parallel.model_copy(update={"timeout": 1.0}))
    stopped = solver.solve(instance(parallel, {"ranks": "2", "n": "400"}), {}, Budget())
    assert stopped.reason is Reason.TIME_BUDGET
    assert "timeout: stopped after" in stopped.message
    assert not list(scratch_home.iterdir())
    for _ in range(200):  # a killed process may take a moment to go
        if not running_in(scratch_home):
            break
        time.sleep(0.01)
    assert not running_in(scratch_home)


def test_ranks_are_a_feature_that_production_reads(parallel):
    words = [word.replace("{ranks}", "2").replace("{n}", "40") for word in parallel.command]
    assert match_command(parallel, words).arguments == {"ranks": "2", "n": "40"}
