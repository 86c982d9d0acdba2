"""Canaries: own settings solve beside an answer of ours, and the program does not notice."""

import itertools
import sys

import pytest

from metasolve.production.reading import journals
from metasolve.production.report import Report

PROGRAM = """
import sys
from petsc4py import PETSc
method, pc, guess, monitors, solves = sys.argv[1:6]
n = 900
A = PETSc.Mat().createAIJ([n, n], nnz=5)
start, end = A.getOwnershipRange()
for i in range(start, end):
    A.setValue(i, i, 4.02 + 0.01 * (i % 7))
    for j in (i - 30, i - 1, i + 1, i + 30):
        if 0 <= j < n:
            A.setValue(i, j, -1.0)
A.assemble()
x, b = A.createVecs()
b.set(1.0)
shown = []
ksp = PETSc.KSP().create()
ksp.setOperators(A)
ksp.setType(method)
ksp.getPC().setType(pc)
ksp.setTolerances(rtol=1e-8)
ksp.setInitialGuessNonzero(guess == "guess")
ksp.setConvergenceHistory(500, reset=True)
if monitors == "monitored":
    ksp.setMonitor(lambda k, it, norm: shown.append((it, norm)))
ksp.setFromOptions()
for k in range(int(solves)):
    x.set(0.5)
    if k % 2:
        A.setValue(start, start, 4.02 + 0.01 * (start % 7) + 1e-9 * k)
        A.assemble()
    shown.clear()
    ksp.solve(b, x)
    found, built = x.norm(), ksp.buildSolution().norm()
    good = (b - A * x).norm() <= 1.01e-8 * b.norm()
    norms = list(ksp.getConvergenceHistory())
    if PETSc.COMM_WORLD.rank == 0:
        near = [f"{each:.3e}" for each in (found, built, ksp.getResidualNorm(), *norms[:1])]
        print(ksp.getIterationNumber(), ksp.getConvergedReason(), *near, len(norms), len(shown),
              good, flush=True)
"""
OURS = {"ksp_type": "gmres", "pc_type": "bjacobi", "sub_pc_type": "ilu"}


@pytest.fixture
def program(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)

    def command(method="cg", pc="jacobi", guess="zero", monitors="none", solves=12):
        return [
            sys.executable,
            str(tmp_path / "program.py"),
            method,
            pc,
            guess,
            monitors,
            str(solves),
        ]

    return command


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("own", [("cg", "jacobi"), ("gmres", "gamg"), ("richardson", "none")])
@pytest.mark.parametrize("how", [("zero", "none"), ("guess", "none"), ("zero", "monitored")])
def test_the_program_gets_our_answer_as_without(program, constant_model, run_with, own, how, ranks):
    """Solves of the same system are told alike, whether own settings have solved beside it."""
    model = constant_model(**OURS, seconds=60.0)
    env = {"METASOLVE_CANARY": "1", "METASOLVE_REUSE": "off"}
    done, lines = run_with(model, program(*own, *how, solves=24), ranks, env=env)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert len(told) == len(lines) == 24
    assert lines[0]["source"] == "model"
    assert lines[0]["canary"] is None
    ours = {text for text, line in zip(told, lines, strict=True) if line["source"] == "model"}
    assert len(ours) == 1
    assert next(iter(ours)).endswith("True")
    measured = [i for i, line in enumerate(lines) if line["own_taken"] is not None]
    assert measured
    with_canary = [line for line in lines[measured[0] + 1 :] if line["source"] == "model"]
    assert with_canary
    diverges = own[0] == "richardson"
    assert all(line["canary"] is None if diverges else line["canary"] > 0 for line in with_canary)
    assert all(line["own_taken"] is None for line in with_canary)


def test_direct_solves_have_canaries_too(program, constant_model, run_with):
    model = constant_model(ksp_type="gmres", pc_type="ilu", seconds=60.0)
    env = {"METASOLVE_CANARY": "1"}
    _, lines = run_with(model, program("preonly", "lu", solves=30), env=env)
    assert any(line["canary"] for line in lines)


def test_own_settings_that_fail_measure_nothing(program, constant_model, run_with):
    """How soon they give up is not what an answer takes them."""
    model = constant_model(**OURS, seconds=60.0)
    command = program("cg", "jacobi", solves=30)
    _, lines = run_with(model, command, options="-ksp_max_it 24", env={"METASOLVE_CANARY": "1"})
    answered = [line for line in lines[20:] if line["source"] == "model"]
    assert answered
    assert {line["canary"] for line in answered} == {None}


def test_own_settings_that_have_solved_do_not_solve_again(program, constant_model, run_with):
    """They failed before ours took over: what they take is known."""
    model = constant_model(**OURS, seconds=60.0, patience=1e9)
    env = {"METASOLVE_CANARY": "1", "METASOLVE_REUSE": "off"}
    _, lines = run_with(model, program("richardson", "jacobi"), options="-ksp_max_it 40", env=env)
    taken_over = [line for line in lines if line["source"] == "switched"]
    assert len(taken_over) > 1
    assert all(line["own_taken"] > 0 for line in taken_over)
    assert {line["canary"] for line in taken_over} == {None}


def test_a_share_is_drawn_by_the_number_of_the_solve(program, constant_model, run_with):
    model = constant_model(**OURS, seconds=60.0)
    _, lines = run_with(model, program(solves=400), env={"METASOLVE_CANARY": "0.2"})
    drawn = [line["solve"] for line in lines if line["canary"] is not None]
    assert 40 <= len(drawn) <= 120
    gaps = {b - a for a, b in itertools.pairwise(drawn)}
    assert len(gaps) > 4  # no pattern that a program could have, too


@pytest.mark.parametrize("share", ["", "0", "-1", "nan", "x"])
def test_without_a_share_there_is_none(program, constant_model, run_with, share):
    model = constant_model(**OURS, seconds=60.0)
    _, lines = run_with(model, program(), env={"METASOLVE_CANARY": share})
    assert {line["canary"] for line in lines} == {None}


@pytest.mark.timed
def test_a_report_says_what_they_measured(program, constant_model, run_with, tmp_path):
    model = constant_model(**OURS, seconds=60.0)
    env = {"METASOLVE_CANARY": "0.3"}
    _, lines = run_with(model, program(solves=200), env=env, clock=True)
    report = Report()
    report.read(journals([str(tmp_path / "run.jsonl")]))
    found = report.document()["canary"]
    assert found["canaries"] == sum(line["canary"] is not None for line in lines)
    assert found["solves"] == sum(line["source"] == "model" for line in lines)
    assert found["least"] <= found["saved seconds"] <= found["most"]
