"""A convergence test of the program's own decides, with its own KSP, which mirrors ours."""

import sys

import pytest

from metasolve.model.pinned import pin

PATIENT = {"METASOLVE_BUDGET": "1e5"}  # the test is Python's
RANKS = pytest.mark.parametrize("size", [1, 2])
PROGRAM = """
import sys
import numpy as np
from petsc4py import PETSc
n, scale = 40, float(sys.argv[1])
A = PETSc.Mat().createAIJ([n * n, n * n], nnz=5)
start, end = A.getOwnershipRange()
for i in range(start, end):
    A.setValue(i, i, 4.0 * scale)
    for j in (i - n, i + n, i - 1 if i % n else -1, i + 1 if (i + 1) % n else -1):
        if 0 <= j < n * n:
            A.setValue(i, j, -scale)
A.assemble()
x, b = A.createVecs()
b.set(scale)
ksp = PETSc.KSP().create()
ksp.setOperators(A)
ksp.setType("gmres")
ksp.getPC().setType("jacobi")
seen = []

def test(solver, it, norm):
    assert solver == ksp and solver.getIterationNumber() == it
    y = solver.buildSolution()
    r = b.duplicate()
    A.mult(y, r)
    r.aypx(-1.0, b)
    seen.append((it, norm, r.norm()))
    if "never" in sys.argv and len(seen) < 1500:
        return 0
    return norm < 1e-6

ksp.setConvergenceTest(test)
ksp.setTolerances(max_it=400)
ksp.setFromOptions()
for _ in range(3):
    x.set(0.0)
    seen.clear()
    ksp.solve(b, x)
    r = b.duplicate()
    A.mult(x, r)
    r.aypx(-1.0, b)
    PETSc.Sys.Print(ksp.getConvergedReason(), ksp.getIterationNumber(), seen[-1][0], len(seen),
                    f"{seen[-1][1]:.8e} {seen[-1][2]:.8e} {r.norm():.8e}")
"""


@pytest.fixture
def program(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    return [sys.executable, str(tmp_path / "program.py"), "1.0"]


def first(lines):
    """The first solve of the model's; on a busy machine an attempt may be late."""
    found = [number for number, line in enumerate(lines) if line["source"] == "model"]
    assert found, [line["why"] for line in lines]
    return found[0]


def told(done):
    assert done.returncode == 0, done.stderr
    return [[float(word) for word in line.split()] for line in done.stdout.splitlines()]


@RANKS
def test_what_it_accepts_is_the_answer_and_the_last_it_saw(program, run_with, tmp_path, size):
    model = pin(tmp_path / "model", {"ksp_type": "cg", "pc_type": "icc"} if size == 1 else {
        "ksp_type": "cg", "pc_type": "bjacobi"})  # fmt: skip
    done, lines = run_with(model, program, size, env=PATIENT)
    assert first(lines) == 0
    for reason, its, last, _, norm, built, true in told(done):
        assert reason > 0
        assert last == its
        assert norm < 1e-6
        assert built == pytest.approx(true, rel=1e-4)
    assert all(line["tolerance"] is None for line in lines)


@RANKS
@pytest.mark.parametrize("side", ["left", "right"])
def test_at_each_iteration_it_can_see_the_solution_of_that_norm(
    program, run_with, tmp_path, size, side
):
    """Of methods that build it from a basis, too; in the norm that the program carries along."""
    model = pin(tmp_path / "model", {"ksp_type": "gmres", "pc_type": "bjacobi"})
    options = f"-ksp_pc_side {side}"
    done, lines = run_with(model, program, size, options, env=PATIENT)
    usual = 0.25 if side == "left" else 1.0  # of its Jacobi
    doubt = 10.0 if side == "left" else 1.0  # before that has answered
    for line, (_, its, _, calls, norm, built, _) in zip(lines, told(done), strict=True):
        assert calls >= its
        if line["source"] == "model":
            assert norm == pytest.approx(usual * doubt * built, rel=1e-3)
        else:
            doubt = 1.0


@RANKS
def test_units_change_nothing(program, run_with, tmp_path, size):
    """Its norm does not depend on them. That of the residual does: 1e-6 would be no answer."""
    model = pin(tmp_path / "model", {"ksp_type": "cg", "pc_type": "bjacobi"})
    seen = []
    for scale in ("1.0", "1e-6"):
        done, lines = run_with(model, [program[0], program[1], scale], size, env=PATIENT)
        seen.append(told(done)[first(lines)])
    (_, its, *_, true), (_, scaled_its, *_, scaled_true) = seen
    assert abs(its - scaled_its) <= 1
    assert scaled_true == pytest.approx(1e-6 * true, rel=0.5)


def test_what_it_never_accepts_is_solved_as_without_us(program, run_program, run_with, tmp_path):
    model = pin(tmp_path / "model", {"ksp_type": "cg", "pc_type": "jacobi"})
    plain = told(run_program([*program, "never"]))
    done, lines = run_with(model, [*program, "never"])
    assert {line["source"] for line in lines} <= {"fallback", "refused"}
    for ours, theirs in zip(told(done), plain, strict=True):
        assert ours[:3] == theirs[:3]
        assert ours[6] == pytest.approx(theirs[6])


@RANKS
@pytest.mark.parametrize("type_", ["newtontr"])
def test_tests_of_petscs_that_look_at_more_are_left_alone(
    tutorial, run_program, run_with, tmp_path, size, type_
):
    model = pin(tmp_path / "model", {"ksp_type": "gmres", "pc_type": "bjacobi"})
    command = [*tutorial("snes/ex19"), "-snes_type", type_, "-snes_monitor", "-da_grid_x", "12"]
    plain = run_program(command, ranks=size)
    done, lines = run_with(model, command, size)
    assert done.stdout == plain.stdout
    why = "a convergence test that may look at more than norm, iteration and solution"
    assert {line["why"] for line in lines} == {why}
