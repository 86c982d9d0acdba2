"""Direct solves: answers are as exact, and what a program reads of one is what it expects."""

import sys

import numpy as np
import pytest

from metasolve.model.pinned import pin
from metasolve.petsc.recording import Recording

PATIENT = {"METASOLVE_BUDGET": "1e5"}
RANKS = pytest.mark.parametrize("size", [1, 2])
READS = [
    *("", "-factor", "-first -factor", "-block", "-setup", "-keep", "-keep -twice"),
    *("-keep -factor -setup", "-keep -block", "-ksp_type gmres", "-ksp_converged_reason"),
    *("-ksp_type gmres -keep -twice", "-keep -pc_factor_mat_solver_type mumps -first -factor"),
]


def need(done):
    """Skip where this PETSc cannot factorise so: no MUMPS, or nothing for several ranks."""
    if "Could not locate" in done.stderr:
        pytest.skip("this PETSc has no such factorisation")


def model(tmp_path, size):
    return pin(tmp_path / "model", {"ksp_type": "cg", "pc_type": "icc" if size == 1 else "bjacobi"})


@RANKS
@pytest.mark.parametrize("flags", READS)
def test_a_program_reads_what_it_expects(host, run_program, run_with, tmp_path, flags, size):
    """Answer, count, reason, factor, inertia, several right-hand sides at once."""
    command = [*host("direct"), *flags.split()]
    own = run_program(command, ranks=size)
    need(own)
    done, lines = run_with(model(tmp_path, size), command, size, env=PATIENT)
    assert done.returncode == own.returncode == 0, done.stderr
    assert done.stdout == own.stdout
    assert "WRONG" not in done.stdout
    assert lines[0]["source"] == "model", lines[0]["why"]
    assert lines[0]["measure"] == "backward"


def test_an_inertia_is_that_of_its_own_factor(host, run_program, run_with, tmp_path):
    command = [*host("direct"), "-inertia", "-pc_type", "cholesky"]
    own = run_program(command)
    done, lines = run_with(model(tmp_path, 1), command, env=PATIENT)
    assert done.stdout == own.stdout
    assert "inertia: 0 0 576" in done.stdout
    assert lines[0]["source"] == "model"


def test_the_backward_error_decides(host, run_with, tmp_path):
    """First 1e-15, then ten times what the program's own factor attains."""
    command = [*host("direct"), "-keep", "-solves", "12"]
    done, lines = run_with(model(tmp_path, 1), command, env=PATIENT)
    assert done.returncode == 0
    own = [line["true_residual"] for line in lines if line["source"] == "refused"]
    assert own, "own settings are measured now and then"
    before, after = lines[0]["tolerance"], lines[-1]["tolerance"]
    assert before == pytest.approx(1e-15)
    assert after == pytest.approx(10 * own[0], rel=0.3)
    for line in lines:
        if line["source"] == "model":
            assert line["true_residual"] <= line["tolerance"]


def test_settings_that_are_not_exact_fall_back(host, run_with, tmp_path):
    bad = pin(
        tmp_path / "bad", {"ksp_type": "richardson", "pc_type": "none", "ksp_richardson_scale": "9"}
    )
    done, lines = run_with(bad, host("direct"))
    assert "WRONG" not in done.stdout
    assert {line["source"] for line in lines} == {"fallback"}


def test_a_better_factorisation_may_be_chosen(host, run_program, run_with, tmp_path):
    better = pin(
        tmp_path / "better",
        {"ksp_type": "richardson", "pc_type": "lu", "pc_factor_mat_solver_type": "mumps"},
    )
    need(run_program([*host("direct"), "-pc_factor_mat_solver_type", "mumps"]))
    own = run_program(host("direct"))
    done, lines = run_with(better, host("direct"), env=PATIENT)
    assert done.stdout == own.stdout
    assert {line["source"] for line in lines} == {"model"}


def test_they_are_left_alone_where_that_is_asked_for(host, run_program, run_with, tmp_path):
    off = {"METASOLVE_DIRECT": "off"}
    own = run_program(host("direct"))
    done, lines = run_with(model(tmp_path, 1), host("direct"), env=off)
    assert done.stdout == own.stdout
    assert not lines


def test_an_attempt_that_fails_leaves_a_nested_log_whole(host, run_with, tmp_path):
    """An error leaves events open, and such a log would end the solve of the program."""
    bad = pin(tmp_path / "bad", {"ksp_type": "gmres", "pc_type": "spai"})
    command = [*host("direct"), "-keep", "-log_view", f":{tmp_path}/log.xml:ascii_xml"]
    done, lines = run_with(bad, command, 2, env=PATIENT)
    need(done)
    assert done.returncode == 0, done.stderr
    assert "PETSC ERROR" not in done.stderr
    assert {line["source"] for line in lines} <= {"fallback", "refused"}
    assert (tmp_path / "log.xml").stat().st_size > 0


@pytest.mark.parametrize("flags", ["-ksp_monitor", "-ksp_monitor_true_residual"])
def test_monitors_see_what_they_always_do(host, run_program, run_with, tmp_path, flags):
    """PETSc's preonly calls them with the norms of b and residual, since 3.19 one beforehand."""
    from petsc4py import PETSc

    command = [*host("direct"), flags]
    own = run_program(command)
    done, lines = run_with(model(tmp_path, 1), command, env=PATIENT)
    plain = flags == "-ksp_monitor" or PETSc.Sys.getVersion() < (3, 19)
    assert {line["source"] for line in lines} == ({"model"} if plain else {"refused"})
    told, expected = done.stdout.split(), own.stdout.split()
    assert len(told) == len(expected)
    for word, other in zip(told, expected, strict=True):
        assert word == other or float(word) == pytest.approx(float(other), rel=1e-9, abs=1e-11)


@RANKS
def test_they_are_recorded_and_replayed(host, record_with, size):
    """The replayed solve is the recorded one, as exact; an iterative one is judged alike."""
    from metasolve.petsc.replay import Replay

    done, out = record_with([*host("direct"), "-size", "30"], size)
    need(done)
    assert done.returncode == 0, done.stderr
    instances = Recording(out).instances()
    assert len(instances) == 3
    replay = Replay()
    for instance in instances:
        solve = instance.payload
        assert solve.direct
        assert instance.tolerance == pytest.approx(10 * solve.own)
        assert instance.features["log_tolerance"] == -15
        own = replay.solve(instance, {})
        assert own.ok
        assert own.iterations == 1
        ours = replay.solve(instance, {"ksp_type": "cg", "pc_type": "icc"})
        assert ours.ok, ours.message
        assert ours.true_residual <= 1.001 * instance.tolerance
        loose = replay.solve(instance, {"ksp_type": "cg", "pc_type": "icc", "ksp_max_it": 1})
        assert loose.ok, "the program's own count of iterations holds"
    replay.destroy()


def test_production_and_replay_agree(host, record_with, tmp_path):
    """The same settings take the same iterations in both."""
    from metasolve.petsc.replay import Replay

    _, out = record_with([*host("direct"), "-size", "30"])
    replay = Replay()
    for instance in Recording(out).instances():
        replayed = replay.solve(instance, {"ksp_type": "cg", "pc_type": "icc"})
        ran, record = replay.solve_with_plugin(instance, model(tmp_path, 1))
        assert record["source"] == "model"
        assert record["tolerance"] == pytest.approx(instance.tolerance)
        assert record["true_residual"] == pytest.approx(replayed.true_residual)
        assert ran.ok
    replay.destroy()


@RANKS
def test_measures_are_what_they_say(tmp_path, ranks, run_program, size, plugin_library):
    """Against numpy, on 1 and 2 ranks; rows without a diagonal have the sum of their entries."""
    (tmp_path / "program.py").write_text(MEASURES)
    done = run_program([sys.executable, str(tmp_path / "program.py")], ranks=size)
    assert done.returncode == 0, done.stderr
    found = np.array([float(word) for word in done.stdout.split()])
    A, b, x = np.array([[2.0, 1, 0], [3, 0, -1], [0, 0, 1e6]]), np.array([1.0, 2, 3]), np.ones(3)
    r, scale = b - A @ x, np.array([2.0, 4, 1e6])
    expected = [
        *(np.linalg.norm(r), np.linalg.norm(b)),
        *(np.linalg.norm(r / scale), np.linalg.norm(b / scale)),
        *(np.abs(r).max() / (1e6 * 1 + 3), 1.0),
    ]
    assert found == pytest.approx(expected)


MEASURES = """
from petsc4py import PETSc
from metasolve.petsc.contract import Measure
from metasolve.petsc.library import plugin
A = PETSc.Mat().createAIJ([3, 3], nnz=3)
for i, j, value in ((0, 0, 2.0), (0, 1, 1.0), (1, 0, 3.0), (1, 2, -1.0), (2, 2, 1e6)):
    if A.getOwnershipRange()[0] <= i < A.getOwnershipRange()[1]:
        A.setValue(i, j, value)
A.assemble()
x, b = A.createVecs()
x.set(1.0)
for i in range(*b.getOwnershipRange()):
    b.setValue(i, i + 1.0)
b.assemble()
for measure in Measure:
    judge = plugin().judge(A, b, measure)
    PETSc.Sys.Print(judge.measure(x), judge.zero)
    judge.destroy()
"""
