"""Many systems that own settings solve at once, and between them some that these need long for."""

import sys

import petsc4py

petsc4py.init(sys.argv)
from petsc4py import PETSc  # noqa: E402

SMALL, LARGE = 30, 60


def solver(prefix, pc, rtol):
    ksp = PETSc.KSP().create()
    ksp.setOptionsPrefix(prefix)
    ksp.getPC().setType(pc)
    ksp.setTolerances(rtol=rtol)
    ksp.setFromOptions()
    return ksp


def operator(n):
    A = PETSc.Mat().createAIJ([n * n, n * n], nnz=5)
    for row in range(n * n):
        i, j = divmod(row, n)
        A[row, row] = 4.01
        inside = {row - n: i > 0, row + n: i < n - 1, row - 1: j > 0, row + 1: j < n - 1}
        for column, there in inside.items():
            if there:
                A[row, column] = -1.0
    A.assemble()
    return A, *A.createVecs()


def solve(ksp, A, x, b, step):
    A.setValue(0, 0, 4.01 + 1e-3 * step)
    A.assemble()
    b.set(1.0)
    ksp.setOperators(A)
    ksp.solve(b, x)


small, large = solver("small_", "ilu", 0.5), solver("large_", "jacobi", 1e-8)
first, second = operator(SMALL), operator(LARGE)
for step in range(40):
    for k in range(100):
        solve(small, *first, 100 * step + k)
    solve(large, *second, step)
