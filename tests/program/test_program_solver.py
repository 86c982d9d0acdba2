"""`ProgramSolver`: what a run came to, as the protocol of solvers has it."""

import os
from pathlib import Path

import pytest

from metasolve.errors import MetasolveError, SpaceError
from metasolve.farm import Request, SerialFarm
from metasolve.program.case import Case
from metasolve.program.case_file import read_case
from metasolve.program.instances import instance
from metasolve.program.reading import ReadingError
from metasolve.program.solver import ProgramSolver
from metasolve.program.start import petsc_options, start
from metasolve.program.training import probe, train_case
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Reason
from metasolve.solve.solver import Budget, Solver

FREE = Budget()
SLOPPY = '[[space.setting]]\nname = "sloppy"\ntype = "real"\nlow = 0.0\nhigh = 9.0\ndefault = 0.0\n'


def solver_of(path):
    solver = ProgramSolver(read_case(path))
    assert isinstance(solver, Solver)
    return solver


def at(solver, n):
    return instance(solver.case, {"n": str(n)})


def test_cost_is_read_and_settings_travel_as_flags(script):
    solver = solver_of(script())
    each = at(solver, 60)
    own = solver.solve(each, {}, FREE)
    best = solver.solve(each, {"omega": 1.3}, FREE)
    assert own.reason is best.reason is Reason.CONVERGED
    assert own.fractional_iterations == pytest.approx(60 * (1 + 20 * 0.09))
    assert best.fractional_iterations == pytest.approx(60)
    assert best.true_residual == 0.0


def test_a_failure_costs_its_time_and_says_why(script):
    solver = solver_of(script())
    failed = solver.solve(at(solver, 60), {"omega": 1.95}, FREE)
    assert failed.reason is Reason.DIVERGED
    assert failed.message == "exit code 3, not 0 (no output)"
    assert failed.solve_seconds > 0


def test_a_changed_answer_is_a_failure_however_fast(script, case_text):
    solver = solver_of(script(case_text.replace("[cost]", SLOPPY + "[cost]")))
    each = at(solver, 50)
    fine = solver.solve(each, {"sloppy": 0.004}, FREE)
    wrong = solver.solve(each, {"sloppy": 5.0}, FREE)
    assert fine.ok
    assert fine.true_residual == pytest.approx(8e-5)
    assert wrong.reason is Reason.WRONG_RESIDUAL
    assert wrong.true_residual == pytest.approx(0.1)
    assert "the answer changed by 0.1, more than accept.tolerance=0.0001" in wrong.message


def test_what_the_program_fails_on_can_be_rescued(script):
    solver = solver_of(script())
    each = at(solver, 90)
    assert solver.solve(each, {}, FREE).reason is Reason.DIVERGED
    # Its budget would be a multiple of the time to fail: that bounds nothing.
    assert solver.solve(each, {"omega": 1.4}, Budget(seconds=1e-6)).ok


def test_a_budget_stops_a_run_and_the_timeout_any(script, case_text):
    slow = "#!/bin/sh\n[ $# -gt 2 ] && sleep 30\necho iterations: 1; echo answer = 1; echo done\n"
    solver = solver_of(script(program=slow))
    stopped = solver.solve(at(solver, 20), {"omega": 1.2}, Budget(seconds=0.2))
    assert stopped.reason is Reason.TIME_BUDGET
    assert 0.1 < stopped.solve_seconds < 20
    hangs = solver_of(
        script(case_text.replace("timeout = 20", "timeout = 0.3"), "#!/bin/sh\nsleep 30")
    )
    own = hangs.solve(at(hangs, 20), {}, FREE)
    assert own.reason is Reason.TIME_BUDGET
    assert "timeout: stopped after" in own.message


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("'iterations: (\\S+)'", "'sweeps: (\\S+)'", r"cost.pattern='sweeps: .*matches nothing"),
        ("'answer = (\\S+)'", "'result = (\\S+)'", r"accept.pattern='result .*matches nothing"),
        (
            "pattern = 'answer = (\\S+)'",
            "file = 'result.txt'",
            r"accept.file='result.txt': No such",
        ),
        ("pattern = 'answer = (\\S+)'", "file = 'trace.txt'", "holds no number"),
        ("'iterations: (\\S+)'", "'(done)'", r"gives 'done', not a number"),
    ],
)
def test_a_reading_that_never_works_stops_training_at_once(
    script, case_text, old, new, told, tmp_path
):
    assert old in case_text
    path = script(case_text.replace(old, new))
    with pytest.raises(ReadingError, match=told) as caught:
        train_case(path, tmp_path / "model", calls=40)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "model").exists()


def test_a_success_pattern_that_never_matches_stops_training_at_once(script, case_text, tmp_path):
    path = script(case_text.replace("^done", "^finished"))
    with pytest.raises(MetasolveError, match=r"success.pattern='\^finished' matches nothing"):
        train_case(path, tmp_path / "model", calls=40)


def test_an_unknown_setting_is_an_error_and_a_farm_goes_on(script):
    solver = solver_of(script())
    with pytest.raises(SpaceError, match="setting 'omga' is unknown; did you mean 'omega'"):
        solver.solve(at(solver, 30), {"omga": 1.0}, FREE)
    wrong, right = SerialFarm(solver).evaluate(
        [Request(at(solver, 30), {"omga": 1.0}), Request(at(solver, 30), {"omega": 1.0})]
    )
    assert wrong.reason is Reason.ERROR
    assert right.ok


def children():
    """Processes that this one has started and not yet waited for."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in _read(task / "children")}


def _read(path):
    return path.read_text().split() if path.exists() else []


def test_hundreds_of_evaluations_leave_nothing(script, scratch_home):
    solver = solver_of(script())
    environment, folder = dict(os.environ), sorted(p.name for p in scratch_home.parent.iterdir())
    each, before = at(solver, 40), children()
    for number in range(200):
        solver.solve(each, {"omega": 0.8 + number / 180}, Budget(seconds=5))
    assert not list(scratch_home.iterdir())
    assert dict(os.environ) == environment
    assert sorted(p.name for p in scratch_home.parent.iterdir()) == folder
    assert children() == before


def test_settings_travel_through_petsc_options_after_the_users_own(monkeypatch):
    monkeypatch.setenv("PETSC_OPTIONS", "-ksp_view -pc_type sor")
    space = {"setting": [{"name": "pc_type", "type": "choice", "values": ["ilu", "lu"]}]}
    case = Case(name="x", command=["x"], settings={"through": "petsc"}, space=space)
    begin = start(case, {}, {"pc_type": "lu"})
    assert begin.environment == {"PETSC_OPTIONS": "-ksp_view -pc_type sor -pc_type lu"}
    assert start(case, {}, {}).environment == {}
    assert petsc_options({}) == "-ksp_view -pc_type sor"


def test_settings_travel_through_the_environment_and_placeholders():
    real = {"type": "real", "low": 0.0, "high": 2.0, "default": 1.0}
    space = {"setting": [{"name": name, **real} for name in ("A_B", "beta", "gamma")]}
    environment = {"BETA": "b{beta}"}
    case = Case(
        name="x",
        command=["x", "--gamma={gamma}"],
        environment=environment,
        settings={"through": "environment"},
        space=space,
    )
    changed = start(case, {}, {"A_B": 0.5, "beta": 0.25, "gamma": 2.0})
    assert changed.words == ["x", "--gamma=2"]
    assert changed.environment == {"BETA": "b0.25", "A_B": "0.5"}
    own = start(case, {}, {})
    assert own.words == ["x", "--gamma=1"], "a place must be filled: with the declared default"
    assert own.environment == {"BETA": "b1"}


def test_a_failing_program_is_told_from_a_wrong_case(script, case_text):
    solver = solver_of(script(program="#!/bin/sh\necho no licence >&2; exit 1\n"))
    with pytest.raises(MetasolveError, match=r"fails under its own settings.*no licence"):
        probe(solver, [at(solver, 20)])


def test_a_setting_out_of_bounds_is_clamped(script):
    solver = solver_of(script())
    each = Instance("n=60", {"n": 60.0}, payload={"n": "60"})
    assert solver.solve(each, {"omega": 7.0}, FREE).message.startswith("exit code 3")
