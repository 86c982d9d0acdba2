"""Many systems that own settings solve at once, and between them some that these need long for."""

import sys

import petsc4py

petsc4py.init(sys.argv)
from grid import operator  # noqa: E402
from petsc4py import PETSc  # noqa: E402

SMALL, LARGE = 30, 60


def solver(prefix, pc, rtol):
    ksp = PETSc.KSP().create()
    ksp.setOptionsPrefix(prefix)
    ksp.getPC().setType(pc)
    ksp.setTolerances(rtol=rtol)
    ksp.setFromOptions()
    return ksp


def system(n):
    A = operator(n, 4.01)
    return A, *A.createVecs()


def solve(ksp, A, x, b, step):
    A.setValue(0, 0, 4.01 + 1e-3 * step)
    A.assemble()
    b.set(1.0)
    ksp.setOperators(A)
    ksp.solve(b, x)


small, large = solver("small_", "ilu", 0.5), solver("large_", "jacobi", 1e-8)
first, second = system(SMALL), system(LARGE)
for step in range(40):
    for k in range(100):
        solve(small, *first, 100 * step + k)
    solve(large, *second, step)
