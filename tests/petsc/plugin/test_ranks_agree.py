"""What a class knows is rank 0's: its rows may have more entries there than elsewhere."""

import sys

import pytest

from ..prior_writer import write_prior
from .test_prior import leaf

PROGRAM = """
import sys
from petsc4py import PETSc
case, denser = sys.argv[1], int(sys.argv[2])
n, size = 2000, PETSc.COMM_WORLD.size

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

ORDER = {"test": [(1, 0.0), (0, 1.0), (0, 1.0), (1, 1.0), (1, 1.0)]}
solvers = []
for k in range(2):
    ksp = PETSc.KSP().create()
    ksp.setOperators(operator(k and PETSc.COMM_WORLD.rank == denser % size))
    ksp.setType("cg")
    ksp.getPC().setType("bjacobi" if case == "lasting" else "none")
    ksp.setTolerances(rtol=1e-8)
    if case == "test":
        ksp.setConvergenceTest(test)
    ksp.setFromOptions()
    solvers.append(ksp)
x, b = solvers[0].getOperators()[0].createVecs()
for k, right in ORDER[case]:
    A = solvers[k].getOperators()[0]
    A.shift(1e-8)
    b.set(right)
    solvers[k].solve(b, x)
    r = b - A * x
    PETSc.Sys.Print(k, solvers[k].getConvergedReason(), f"{r.norm():.3e}", flush=True)
"""


@pytest.fixture
def told(tmp_path, feature_names, run_with):
    """What the program prints under a prior, with the rows of a rank longer in the second matrix."""

    def run(case, denser, seconds, ranks):
        (tmp_path / "program.py").write_text(PROGRAM)
        folder = write_prior(tmp_path / "prior", list(seconds), [seconds], list(feature_names))
        command = [sys.executable, str(tmp_path / "program.py"), case, str(denser)]
        env = {"METASOLVE_BUDGET": "1e5"}
        done, lines = run_with(folder, command, ranks, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines(), lines

    return run


@pytest.mark.parametrize("ranks", [1, 2])
def test_where_a_test_is_expected_to_be_content(told, ranks):
    """Rank 0 has never seen the second class answer, rank 1 takes it for the first one."""
    text, lines = told("test", 0, leaf(gmres_jacobi=5.0), ranks)
    assert len(text) == len(lines) == 5
    assert [line["source"] for line in lines[-4:]] == ["model"] * 4, lines[-1]["why"]
