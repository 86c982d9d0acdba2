"""The program's own settings, where they are used, are given up if they seem to need too long."""

import json
import re
import sys

import numpy as np
import pytest

import metasolve
from metasolve.petsc.library import plugin
from metasolve.solve.course import course, left, moment

from ..conftest import PETSc, convection_diffusion, random_vector, write_policy
from ..prior_writer import write_prior

ILU = {"ksp_type": "gmres", "pc_type": "bjacobi", "sub_pc_type": "ilu"}
BROKEN = {"ksp_type": "gmres", "pc_type": "spai"}
SHORT, LONG = 1e-9, 1e9
HARDER = """
import sys, petsc4py
petsc4py.init(sys.argv)
from petsc4py import PETSc
n = 40
A = PETSc.Mat().createAIJ((n * n, n * n), nnz=5, comm=PETSc.COMM_WORLD)
x, b = A.createVecs()
b.set(1.0)
ksp = PETSc.KSP().create(A.comm)
ksp.setFromOptions()
for shift in (100.0, 99.9, 99.8, 99.7, 0.0):
    for i in range(*A.getOwnershipRange()):
        A[i, i] = 4.0 + shift
        for j in (i - n, i + n, i - (i % n > 0), i + (i % n < n - 1)):
            if 0 <= j < n * n and j != i:
                A[i, j] = -1.0
    A.assemble()
    ksp.setOperators(A)
    ksp.solve(b, x)
"""
LATER = """
    A.shift(100.0)
    for _ in range(1200):
        A.shift(1e-3)
        ksp.setOperators(A)
        ksp.solve(b, x)
    A.shift(-101.2)
    for _ in range(3):
        A.shift(1e-9)
        ksp.setOperators(A)
        ksp.solve(b, x)
    ksp.setOperators(A)"""
SMALL = "so small that a look at it would cost too much"


@pytest.fixture
def solved(tmp_path):
    """`solved(settings, patience)`: solution, log line, history and KSP of Jacobi's slow solve."""
    A = convection_diffusion(30, 5.0)
    b = random_vector(A)

    def solve(settings=None, patience=None, max_it=10000, start=None, **small):
        ksp, x = PETSc.KSP().create(PETSc.COMM_SELF), A.createVecRight()
        ksp.setOperators(A)
        ksp.setType("gmres")
        ksp.getPC().setType("jacobi")
        ksp.setTolerances(rtol=1e-8, max_it=max_it)
        ksp.setConvergenceHistory(length=1000)
        if start is not None:
            start.copy(x)
            ksp.setInitialGuessNonzero(True)
        if settings is not None:
            metasolve.accelerate(ksp, write_policy(tmp_path, settings, patience=patience, **small))
        ksp.solve(b, x)
        record = plugin().last_record(ksp) if settings is not None else {}
        return x, record, ksp.getConvergenceHistory(), ksp

    solve.A, solve.b = A, b
    return solve


def test_it_is_given_up_at_once_without_patience_and_the_model_goes_on_from_there(solved):
    x, record, _, ksp = solved(ILU, SHORT)
    assert record["source"] == "switched"
    assert record["settings"] == ILU
    assert (solved.b - solved.A * x).norm() <= 1e-8 * solved.b.norm()
    assert ksp.getConvergedReason() > 0
    fresh = solved(ILU)[1]
    assert record["iterations"] <= fresh["iterations"]
    assert record["seconds"]["own"] > 0


def test_what_it_foresees_is_what_training_foresees(solved):
    own = solved()[2]
    said = solved(ILU, SHORT)[1]["why"]
    at, more = map(int, re.search(r"iteration (\d+), some (\d+) more", said).groups())
    assert at == moment(4)
    assert more == np.ceil(left(course(list(own)), 4, 1e-8))


def test_with_patience_it_is_the_programs_own_solve(solved):
    x, record, history, _ = solved(ILU, LONG)
    own, _, seen, _ = solved()
    assert record["source"] == "refused"
    np.testing.assert_array_equal(history, seen)
    np.testing.assert_array_equal(x.getArray(), own.getArray())


@pytest.mark.parametrize("pc_type", ["gamg", "sor", "jacobi"])
def test_richardsons_iterations_are_those_that_they_are_without_us(tmp_path, pc_type):
    """A preconditioner that makes them itself does so under PETSc's own test only."""
    A = convection_diffusion(8, 0.0)
    b, answers = random_vector(A), []
    for accelerated in (False, True):
        ksp, x = PETSc.KSP().create(PETSc.COMM_SELF), A.createVecRight()
        ksp.setOperators(A)
        ksp.setType("richardson")
        ksp.getPC().setType(pc_type)
        ksp.setTolerances(rtol=1e-2, max_it=200)
        if accelerated:
            metasolve.accelerate(ksp, write_policy(tmp_path, ILU, patience=LONG))
        ksp.solve(b, x)
        answers.append((ksp.getIterationNumber(), int(ksp.getConvergedReason()), *x.getArray()))
    assert answers[0] == answers[1]


def test_the_programs_own_convergence_test_is_back_afterwards(solved, monkeypatch):
    """It is watched anew on the next operator, and never after the model is detached."""
    monkeypatch.setenv("METASOLVE_REUSE", "off")
    _, _, _, ksp = solved(ILU, SHORT)
    x = solved.b.duplicate()
    ksp.solve(solved.b, x)
    assert plugin().last_record(ksp)["source"] == "model"  # the same operator: at once
    solved.A.scale(2.0)
    ksp.setOperators(solved.A)
    ksp.solve(solved.b, x)
    assert plugin().last_record(ksp)["source"] == "switched"
    plugin().detach(ksp)
    ksp.solve(solved.b, x)
    assert len(ksp.getConvergenceHistory()) > 40


def test_where_the_programs_own_settings_fail_the_models_are_tried(solved):
    x, record, _, ksp = solved(ILU, LONG, max_it=40)
    assert solved(max_it=40)[3].getConvergedReason() < 0
    assert record["source"] == "switched"
    assert "DIVERGED_ITS" in record["why"]
    assert ksp.getConvergedReason() > 0
    assert (solved.b - solved.A * x).norm() <= 1e-8 * solved.b.norm()


def test_where_both_fail_the_program_has_what_its_own_settings_left(solved):
    x, record, _, ksp = solved(BROKEN, LONG, max_it=40)
    own, _, _, alone = solved(max_it=40)
    assert record["source"] == "refused"
    assert ksp.getConvergedReason() == alone.getConvergedReason() < 0
    assert ksp.getIterationNumber() == alone.getIterationNumber()
    np.testing.assert_array_equal(x.getArray(), own.getArray())


@pytest.mark.parametrize("guessed", [False, True])
def test_given_up_for_settings_that_fail_it_is_solved_as_if_nothing_had_been_tried(solved, guessed):
    start = random_vector(solved.A, 5) if guessed else None
    x, record, _, ksp = solved(BROKEN, SHORT, start=start)
    own, _, _, alone = solved(start=start)
    assert record["source"] == "fallback"
    assert ksp.getIterationNumber() == alone.getIterationNumber()
    np.testing.assert_array_equal(x.getArray(), own.getArray())


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("name", ["hard_coded", "two_ksps", "neumann", "time_steps", "elasticity"])
@pytest.mark.parametrize("patience", [SHORT, 1e-4])
def test_programs_get_what_they_asked_for(
    name, ranks, patience, host, constant_model, run_with, parse_solves
):
    model = constant_model(**ILU, patience=patience)
    done, lines = run_with(model, host(name), ranks)
    assert done.returncode == 0, done.stderr
    printed = parse_solves(done.stdout)
    assert len(lines) == len(printed) > 0
    if patience == SHORT:
        assert "switched" in {line["source"] for line in lines}
    for line, solve in zip(lines, printed, strict=True):
        assert solve.reason > 0
        if line["source"] in ("switched", "model"):
            assert line["true_residual"] <= line["tolerance"]
            assert solve.residual == pytest.approx(line["true_residual"], rel=1e-3)


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_program_that_stops_at_what_did_not_converge_is_not_stopped(
    ranks, host, constant_model, run_with
):
    model, options = constant_model(**ILU, patience=SHORT), "-ksp_error_if_not_converged"
    done, lines = run_with(model, host("time_steps"), ranks, options)
    assert done.returncode == 0, done.stderr
    assert "switched" in {line["source"] for line in lines}


@pytest.mark.parametrize("ranks", [1, 2])
def test_small_systems_are_not_looked_at_and_have_no_line(
    ranks, host, constant_model, run_with, tmp_path
):
    command = host("hard_coded")
    _, lines = run_with(constant_model(**ILU), command, ranks)
    rows, solves = lines[0]["rows"], len(lines)
    for least, source in ((rows, {"model"}), (rows + 1, set())):
        done, lines = run_with(constant_model(**ILU, least_rows=least), command, ranks)
        assert done.returncode == 0
        assert {line["source"] for line in lines} == source
    left = json.loads((tmp_path / "run.jsonl").read_text().splitlines()[-1])
    told = {name: left[name] for name in ("source", "why", "solves")}
    assert told == {"source": "left", "why": SMALL, "solves": solves}


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_small_system_that_its_own_settings_fail_on_has_a_line(
    ranks, host, constant_model, run_with
):
    """It is where somebody will look for the failure; without patience nothing takes over."""
    model = constant_model(**ILU, least_rows=10**6)
    done, lines = run_with(model, [*host("time_steps"), "-n", "20"], ranks, "-ksp_max_it 1")
    assert done.returncode == 0
    assert lines
    assert all(line["reason"] < 0 for line in lines)


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize(
    ("look", "patience", "source"),
    [(SHORT, SHORT, "switched"), (SHORT, LONG, "refused"), (LONG, SHORT, "")],
    ids=["looked at, given up", "looked at", "not looked at"],
)
def test_small_systems_are_looked_at_when_they_seem_hard(
    ranks, look, patience, source, host, constant_model, run_with, run_program, parse_solves
):
    small = {"least_rows": 10**6, "look": look, "patience": patience}
    done, lines = run_with(constant_model(**ILU, **small), host("hard_coded"), ranks)
    sources = [source, {"switched": "model"}.get(source, source)] if source else []
    assert [line["source"] for line in lines] == sources
    assert SMALL not in {line["why"] for line in lines}  # they were looked at
    printed = parse_solves(done.stdout)
    if source != "switched":
        assert printed == parse_solves(run_program(host("hard_coded"), ranks=ranks).stdout)
    for solve in printed:
        assert solve.reason > 0


def test_a_small_system_that_its_own_settings_fail_on_is_looked_at(solved):
    small = {"least_rows": 10**6, "look": LONG, "patience": LONG}
    _, record, _, ksp = solved(ILU, max_it=40, **small)
    assert record["source"] == "switched"
    assert ksp.getConvergedReason() > 0


@pytest.mark.parametrize("ranks", [1, 2])
def test_own_settings_are_given_up_where_they_were_best_so_far(
    ranks, tmp_path, feature_names, run_with
):
    """Nothing is as fast on the first operators; on the last one they would take 10,000 steps."""
    (tmp_path / "harder.py").write_text(HARDER)
    leaf = dict.fromkeys(["gmres+ilu0", "cg+icc0"], 5.5)
    prior = write_prior(tmp_path / "prior", list(leaf), [leaf], list(feature_names))
    command = [sys.executable, str(tmp_path / "harder.py")]
    own = "-ksp_type richardson -pc_type jacobi"
    done, lines = run_with(prior, command, ranks, own)
    assert done.returncode == 0, done.stderr
    assert lines[-2]["source"] == "refused", lines[-2]["why"]
    assert lines[-1]["source"] == "switched", lines[-1]["why"]
    assert lines[-1]["reason"] > 0


@pytest.mark.parametrize("ranks", [1, 2])
def test_systems_that_are_not_looked_at_any_more_are_again_once_they_have_become_hard(
    ranks, tmp_path, feature_names, run_with
):
    """Their seconds are counted: the next one is looked at, after one that took long."""
    text = HARDER.replace("(100.0, 99.9, 99.8, 99.7, 0.0)", "(0.0,)").replace("n = 40", "n = 30")
    (tmp_path / "later.py").write_text(text.replace("    ksp.setOperators(A)", LATER, 1))
    leaf = dict.fromkeys(["gmres+ilu0", "cg+icc0"], 5.5)
    prior = write_prior(tmp_path / "prior", list(leaf), [leaf], list(feature_names))
    command = [sys.executable, str(tmp_path / "later.py")]
    own, counted = "-ksp_type richardson -pc_type jacobi", {"METASOLVE_DETERMINISTIC": "1"}
    done, lines = run_with(prior, command, ranks, f"{own} -ksp_max_it 100000", counted)
    assert done.returncode == 0, done.stderr
    assert 0 < len(lines) < 1200  # the others have none
    assert [line["solve"] for line in lines[-2:]] == [1203, 1204]
    assert {line["source"] for line in lines[-2:]} <= {"switched", "model"}, lines[-2:]
