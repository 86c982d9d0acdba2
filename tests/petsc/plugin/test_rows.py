"""Rows in different units: answers are judged with each row divided by its diagonal.

Boundary rows that are kept with a diagonal of 1 beside entries of 2e11 put a tolerance relative to
the 2-norm of b below rounding. The program's own answers say so, and how far they come instead.
"""

import sys

import numpy as np
import pytest

import metasolve
from metasolve.model.pinned import pin
from metasolve.petsc.contract import Measure
from metasolve.petsc.recording import Recording

from ..conftest import PETSc, convection_diffusion

PATIENT = {"METASOLVE_BUDGET": "1e5"}
RANKS = pytest.mark.parametrize("size", [1, 2])
PROGRAM = """
import sys
from petsc4py import PETSc
scale, solves = float(sys.argv[1]), int(sys.argv[2])
n = 30
for k in range(solves):
    A = PETSc.Mat().createAIJ([n * n, n * n], nnz=5)
    b = A.createVecLeft()
    for i in range(*A.getOwnershipRange()):
        if i < n or i >= n * n - n:
            A.setValue(i, i, 1.0)
            b.setValue(i, 1e-3 * (1 + (i + k) % 7) if i >= n else 0.0)
            continue
        beside = (i - 1 if i % n else -1, i + 1 if (i + 1) % n else -1)
        to = [j for j in (i - n, i + n, *beside) if j >= 0]
        A.setValue(i, i, scale * len(to))
        for j in to:
            A.setValue(i, j, -scale)
    A.assemble()
    b.assemble()
    x = b.duplicate()
    ksp = PETSc.KSP().create()
    ksp.setOperators(A)
    ksp.setType("gmres")
    ksp.getPC().setType("jacobi")
    ksp.setTolerances(rtol=1e-6, max_it=5000)
    ksp.setFromOptions()
    ksp.solve(b, x)
    PETSc.Sys.Print(ksp.getConvergedReason(), f"{x.sum():.6e}")
    ksp.destroy()
"""


@pytest.fixture
def program(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    return [sys.executable, str(tmp_path / "program.py")]


def model(tmp_path, size, **more):
    pc = "ilu" if size == 1 else "asm"
    return pin(tmp_path / "model", {"ksp_type": "gmres", "pc_type": pc, **more})


def sums(done):
    assert done.returncode == 0, done.stderr
    return [float(line.split()[1]) for line in done.stdout.splitlines()]


@RANKS
@pytest.mark.parametrize("scale", ["2e11", "1"])
def test_units_do_not_matter(program, run_program, run_with, tmp_path, scale, size):
    command = [*program, scale, "6"]
    own = run_program(command, ranks=size)
    done, lines = run_with(model(tmp_path, size), command, size, env=PATIENT)
    assert sums(done) == pytest.approx(sums(own), rel=1e-4)
    accepted = [line for line in lines if line["source"] == "model"]
    assert len(accepted) >= 4
    assert {line["measure"] for line in accepted} == {"norm" if scale == "1" else "rows"}
    for line in accepted:
        assert line["true_residual"] <= line["tolerance"] == pytest.approx(1e-6)


def test_the_first_own_answers_are_looked_at(program, run_with, tmp_path):
    _, lines = run_with(model(tmp_path, 1), [*program, "2e11", "2"], env=PATIENT)
    first, second = lines
    assert first["source"] == "refused"
    assert "different units" in first["why"]
    assert first["true_residual"] > 1e3 * first["tolerance"], "the 2-norm is out of reach"
    assert second["source"] == "model"


def test_a_sloppy_program_is_no_reason(program, run_with, tmp_path):
    """Where own answers are as far from the tolerance in either measure, the 2-norm holds."""
    _, lines = run_with(
        model(tmp_path, 1),
        [*program, "1", "3"],
        options="-ksp_max_it 60 -ksp_convergence_test default",
        env=PATIENT,
    )
    assert {line["measure"] for line in lines} == {"norm"}


@RANKS
def test_what_is_recorded_is_judged_alike(program, record_with, tmp_path, size):
    """Replay, and the plug-in on a replayed system, take the measure that production takes."""
    from metasolve.petsc.replay import Replay

    done, out = record_with([*program, "2e11", "2"], size)
    assert done.returncode == 0, done.stderr
    replay = Replay()
    for instance in Recording(out).instances():
        solve = instance.payload
        assert solve.measure is Measure.ROWS
        assert instance.tolerance == pytest.approx(1e-6)
        assert solve.own < 1e-5 < solve.outcome.true_residual
        ours = replay.solve(instance, {"ksp_type": "gmres", "pc_type": "ilu"})
        assert ours.ok, ours.message
        assert ours.iterations < 100
        ran, record = replay.solve_with_plugin(instance, model(tmp_path, 1))
        assert record["source"] == "model", record["why"]
        assert record["measure"] == "rows"
        assert ran.true_residual == pytest.approx(ours.true_residual)
        assert np.isfinite(ran.solve_seconds)
    replay.destroy()


@pytest.mark.parametrize("even", [True, False])
def test_a_right_hand_side_in_large_rows_is_no_measure_of_the_others(tmp_path, even):
    """A tenth of the rows is 1000 times as large as the others; b lies there, or everywhere."""
    A = convection_diffusion(30, 0.0)
    scale, b, x = A.createVecLeft(), A.createVecLeft(), A.createVecRight()
    large = np.arange(900) < 90
    scale.setArray(np.where(large, 1000.0, 1.0) ** 0.5)
    A.diagonalScale(scale, scale)
    b.setArray(np.where(large | even, 1.0, 0.0))
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setOperators(A)
    ksp.setType("gmres")
    ksp.setTolerances(rtol=1e-5)
    accelerated = metasolve.accelerate(
        ksp, pin(tmp_path / "m", {"ksp_type": "cg", "pc_type": "icc"})
    )
    ksp.solve(b, x)
    assert accelerated.last["source"] == "model", accelerated.last["why"]
    assert accelerated.last["measure"] == ("norm" if even else "rows")
    rows, residual = A.getDiagonal(), b - A * x
    if not even:
        assert (residual / rows).norm() <= 1.001e-5 * (b / rows).norm()
