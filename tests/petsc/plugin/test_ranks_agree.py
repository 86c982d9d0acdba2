"""What a class knows is rank 0's: its rows may have more entries there than elsewhere."""

import sys

import pytest

from ..prior_writer import write_prior
from .test_prior import ALL

PROGRAM = """
from petsc4py import PETSc
n = 2000

def operator(dense):
    A = PETSc.Mat().createAIJ([n, n], nnz=30)
    start, end = A.getOwnershipRange()
    for i in range(start, end):
        A.setValue(i, i, 2.2)
        for j in (i - 1, i + 1):
            if 0 <= j < n:
                A.setValue(i, j, -1.0)
        for j in range(i + 2, min(i + 20, end)) if dense else ():
            A.setValue(i, j, 0.0)
    A.assemble()
    return A

def test(ksp, it, norm):
    return norm < 1e-6

solvers = []
for k in range(2):
    ksp = PETSc.KSP().create()
    ksp.setOperators(operator(k and PETSc.COMM_WORLD.rank == 0))
    ksp.setType("cg")
    ksp.getPC().setType("none")
    ksp.setConvergenceTest(test)
    ksp.setFromOptions()
    solvers.append(ksp)
x, b = solvers[0].getOperators()[0].createVecs()
for k, right in [(1, 0.0), (0, 1.0), (0, 1.0), (1, 1.0), (1, 1.0)]:
    A = solvers[k].getOperators()[0]
    A.shift(1e-8)
    b.set(right)
    solvers[k].solve(b, x)
    r = b - A * x
    PETSc.Sys.Print(k, solvers[k].getConvergedReason(), f"{r.norm():.3e}", flush=True)
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_where_a_test_is_expected_to_be_content(ranks, tmp_path, feature_names, run_with):
    """Rank 0 has never seen the second class answer, rank 1 takes it for the first one."""
    (tmp_path / "program.py").write_text(PROGRAM)
    told = dict.fromkeys(ALL, 14.0) | {"gmres+jacobi": 5.0}  # even on a busy machine
    folder = write_prior(tmp_path / "prior", list(told), [told], list(feature_names))
    command = [sys.executable, str(tmp_path / "program.py")]
    done, lines = run_with(folder, command, ranks, env={"METASOLVE_BUDGET": "1e5"})
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(lines) == 5
    assert all(int(text.split()[1]) > 0 for text in done.stdout.splitlines()[1:])


HISTORY = """
import sys
from petsc4py import PETSc
A = PETSc.Mat().createAIJ([900, 900], nnz=3)
start, end = A.getOwnershipRange()
for i in range(start, end):
    A.setValue(i, i, 4.0)
    for j in (i - 1, i + 1):
        if 0 <= j < 900:
            A.setValue(i, j, -1.0)
A.assemble()
x, b = A.createVecs()
b.set(1.0)
ksp = PETSc.KSP().create()
ksp.setOperators(A)
ksp.setType(sys.argv[1])
ksp.getPC().setType(sys.argv[2])
if PETSc.COMM_WORLD.rank == 0:
    ksp.setConvergenceHistory(100, reset=True)
ksp.setFromOptions()
for k in range(4):
    ksp.solve(b, x)
    PETSc.Sys.Print(ksp.getConvergedReason(), (b - A * x).norm() < 1e-4, flush=True)
"""


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("own", ["cg jacobi", "preonly lu"])
def test_a_history_that_only_one_rank_keeps(ranks, own, tmp_path, constant_model, run_with):
    (tmp_path / "program.py").write_text(HISTORY)
    command = [sys.executable, str(tmp_path / "program.py"), *own.split()]
    command += ["-pc_factor_mat_solver_type", "mumps"]
    model = constant_model(ksp_type="gmres", pc_type="bjacobi", sub_pc_type="ilu", seconds=60.0)
    done, lines = run_with(model, command, ranks)
    assert done.returncode == 0, done.stderr
    assert "model" in {line["source"] for line in lines}
    assert all(text.endswith("True") for text in done.stdout.splitlines())
