"""Laws of isolation: whatever a solver does costs one evaluation, and nothing is left behind."""

import dataclasses
import functools
import math
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from metasolve.errors import MetasolveError
from metasolve.farm import IsolatedSolver, Request, SerialFarm, attempt
from metasolve.farm.isolated import telling_line
from metasolve.farm.watchdog import GRACE, hard_limit
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Reason
from metasolve.solve.solver import Budget, Solver

HERE = Path(__file__).parent
PROGRAM = HERE / "isolating_program.py"
INSTANCE = Instance("0", {"size": 1.0})
NORMAL = {"do": "answer"}


@pytest.fixture
def misbehaving(monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    import farm_solvers

    return farm_solvers.Misbehaving


@pytest.fixture
def isolated(misbehaving):
    solver = IsolatedSolver(misbehaving, grace=0.2, memory_growth=30 * 2**20)
    yield solver
    solver.close()


@pytest.fixture
def marked(monkeypatch):
    """Finds the processes that were started from here, whatever became of their parents."""
    name = f"MARK_{uuid.uuid4().hex}"
    monkeypatch.setenv(name, "1")

    def processes():
        every = [each for each in Path("/proc").glob("[0-9]*") if name in environment(each)]
        return [int(each.name) for each in every]

    return processes


def environment(process):
    try:
        return (process / "environ").read_text(errors="replace")
    except OSError:  # ended meanwhile
        return ""


def wait_until_none(processes, seconds=20.0):
    end = time.monotonic() + seconds
    while (left := processes()) and time.monotonic() < end:
        time.sleep(0.05)
    assert left == []


def do(solver, what, budget=None):
    return solver.solve(INSTANCE, {"do": what}, budget or Budget())


def test_it_is_a_solver_whose_one_worker_answers_in_another_process(isolated):
    assert isinstance(isolated, Solver)
    answers = [isolated.solve(INSTANCE, NORMAL) for _ in range(3)]
    assert [each.iterations for each in answers] == [1, 2, 3]
    assert len({each.message for each in answers}) == 1
    assert answers[0].message != str(os.getpid())
    assert answers[0].history == (1.0, 0.1)


@pytest.mark.parametrize("what", ["hang", "sleep"])
def test_one_that_hangs_is_killed_and_the_next_goes_on(isolated, what, marked):
    outcome = do(isolated, what, Budget(seconds=0.05))
    assert outcome.reason is Reason.TIME_BUDGET
    assert "0.05 s" in outcome.message
    assert marked() == []
    assert do(isolated, "answer").iterations == 1
    assert isolated.starts == 2


def test_the_hard_limit_leaves_the_solver_time_to_stop_by_itself():
    assert hard_limit(Budget()) is None
    assert hard_limit(Budget(iterations=3)) is None
    assert hard_limit(Budget(seconds=0.01)) == 0.01 + GRACE
    assert hard_limit(Budget(seconds=10.0)) == 50.0
    assert hard_limit(Budget(seconds=0.5), grace=1.0) == 2.5


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("abort", "signal SIGABRT: free(): invalid pointer"),
        ("segv", "signal SIGSEGV"),
        ("leave", "exit code 7"),
    ],
)
def test_one_that_dies_is_an_outcome_that_says_how(isolated, what, how, capfd):
    assert do(isolated, "answer").ok
    outcome = do(isolated, what)
    assert outcome.reason is Reason.CRASHED
    assert outcome.message == how
    assert do(isolated, "answer").ok
    assert capfd.readouterr() == ("", "")


def test_killed_from_outside_it_is_asked_again_and_counts_as_crashed_the_second_time(isolated):
    os.kill(int(do(isolated, "answer").message), signal.SIGKILL)
    assert do(isolated, "answer").ok
    assert isolated.starts == 2
    outcome = do(isolated, "vanish")
    assert outcome.reason is Reason.CRASHED
    assert outcome.message == "signal SIGKILL"
    assert isolated.starts == 3
    assert do(isolated, "answer").ok


def test_signals_meant_for_the_parent_do_not_end_it(isolated):
    pid = int(do(isolated, "answer").message)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        os.kill(pid, each)
    assert do(isolated, "answer").message == str(pid)


def test_not_a_number_passes(isolated):
    assert math.isnan(do(isolated, "nan").true_residual)


def test_one_that_leaks_is_replaced_before_it_takes_too_much(isolated):
    workers = [do(isolated, "leak").message for _ in range(8)]  # 20 MB each, 30 allowed
    assert 3 <= len(set(workers)) == isolated.starts <= 5


def test_one_that_does_not_leak_stays(isolated):
    assert len({do(isolated, "answer").message for _ in range(200)}) == 1


def test_an_error_keeps_its_text_and_its_worker(isolated):
    outcome = do(isolated, "error")
    assert outcome.reason is Reason.ERROR
    assert outcome.message == "KeyError: 'pc_typo'"
    assert do(isolated, "answer").iterations == 2


def test_a_solver_that_cannot_be_made_is_an_error_that_says_why(misbehaving):
    solver = IsolatedSolver(functools.partial(misbehaving, fail=True))
    with pytest.raises(MetasolveError, match=r"make its solver: exit code 1: ValueError: no such"):
        solver.solve(INSTANCE, NORMAL)


def test_what_cannot_be_sent_is_an_error(isolated):
    request = Request(Instance("0", {}, payload=lambda: None), NORMAL)
    assert attempt(isolated, request).reason is Reason.ERROR
    assert do(isolated, "answer").ok


def test_an_interrupted_wait_leaves_no_late_answer(isolated):
    class Interrupt(BaseException):
        pass

    def interrupt(*_):
        raise Interrupt

    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        do(isolated, "answer")
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(Interrupt):
            do(isolated, "sleep")
    finally:
        signal.signal(signal.SIGALRM, old)
    assert do(isolated, "answer").iterations == 1


def test_while_it_waits_it_lets_others_make_progress(misbehaving):
    waits = []
    solver = IsolatedSolver(misbehaving, grace=0.3, on_wait=lambda: waits.append(1))
    assert do(solver, "sleep", Budget(seconds=0.05)).reason is Reason.TIME_BUDGET
    assert len(waits) > 3


def test_what_it_prints_is_not_seen_and_not_kept(isolated, capfd):
    for _ in range(3):
        assert do(isolated, "shout").ok
    assert os.fstat(isolated._worker._said.fileno()).st_size < 5e6
    assert capfd.readouterr() == ("", "")


def test_the_first_error_of_petsc_is_the_line_that_says_most():
    text = (
        "chatter\n[0]PETSC ERROR: ------------------------\n"
        "[0]PETSC ERROR: Caught signal number 11 SEGV: Segmentation Violation\n"
        "[0]PETSC ERROR: Try option -start_in_debugger\nMPI_ABORT was invoked\n-----\n"
    )
    assert telling_line(text).endswith("Caught signal number 11 SEGV: Segmentation Violation")
    assert telling_line("one\ntwo words\n----\n\n") == "two words"
    assert telling_line("") == ""


def test_a_closed_one_leaves_nothing_and_starts_again(isolated, marked):
    do(isolated, "parallel")
    isolated.close()
    wait_until_none(marked)
    assert do(isolated, "answer").iterations == 1


@pytest.mark.parametrize(("how", "count"), [("hang", 1), ("mpi", 1), ("mpi", 2)])
def test_a_worker_is_no_rank_and_ends_with_its_program(marked, run_program, how, count):
    if how == "mpi":
        pytest.importorskip("mpi4py")
        done = run_program([sys.executable, PROGRAM, how], ranks=count)
        assert done.returncode == 0, done.stderr
        assert len(set(done.stdout.split())) == count
    else:
        command = [sys.executable, str(PROGRAM), how]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            worker = int(process.stdout.readline())
            assert worker in marked()
            process.kill()
    wait_until_none(marked)


def test_a_worker_that_is_gone_does_not_end_a_program_that_uses_petsc(run_program):
    """Writing to it raises SIGPIPE, which PETSc takes for its own."""
    pytest.importorskip("petsc4py")
    done = run_program([sys.executable, PROGRAM, "petsc"])
    assert done.returncode == 0, done.stderr


def test_a_recorded_system_is_solved_as_in_this_process(misbehaving, recorded, marked):
    replay = pytest.importorskip("metasolve.petsc.replay")
    settings = {"ksp_type": "gmres", "pc_type": "sor", "pc_sor_omega": 1.2}
    isolated, here = IsolatedSolver(replay.Replay), replay.Replay()

    def told(outcome):
        return dataclasses.replace(outcome, setup_seconds=0.0, solve_seconds=0.0)

    for instance in recorded:
        there = isolated.solve(instance, settings, Budget())
        assert told(there) == told(here.solve(instance, settings, Budget()))
        assert there.ok
    os.kill(isolated._worker._process.pid, signal.SIGKILL)
    assert isolated.solve(recorded[0], settings).ok
    # PETSc catches a segmentation fault and writes a page about it.
    os.kill(isolated._worker._process.pid, signal.SIGSEGV)
    outcome = isolated.solve(recorded[0], settings)
    assert outcome.reason is Reason.CRASHED
    assert "SEGV" in outcome.message
    isolated.close()
    wait_until_none(marked)
    here.destroy()


def test_a_farm_ends_the_workers(isolated, marked):
    farm = SerialFarm(isolated)
    outcomes = farm.evaluate([Request(INSTANCE, {"do": what}) for what in ("answer", "segv")])
    assert [each.reason for each in outcomes] == [Reason.CONVERGED, Reason.CRASHED]
    farm.close()
    wait_until_none(marked)
