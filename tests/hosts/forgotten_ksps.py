"""Time steps with a KSP for each: `destroy` calls destroy(), `forget` leaves it to Python."""

import sys

import petsc4py

petsc4py.init(sys.argv)
from petsc4py import PETSc  # noqa: E402

N, STEPS = 60, 6


def operator(step):
    A = PETSc.Mat().createAIJ([N * N, N * N], nnz=5)
    first, last = A.getOwnershipRange()
    for row in range(first, last):
        i, j = divmod(row, N)
        A[row, row] = 4.01 + 1e-4 * step
        for column in ((i - 1) * N + j, (i + 1) * N + j):
            if 0 <= column < N * N:
                A[row, column] = -1.0
        if j > 0:
            A[row, row - 1] = -1.0
        if j < N - 1:
            A[row, row + 1] = -1.0
    A.assemble()
    return A


def solve(A, how):
    ksp = PETSc.KSP().create(A.getComm())
    ksp.setOperators(A)
    ksp.setTolerances(rtol=1e-8)
    ksp.setFromOptions()
    x, b = A.createVecs()
    b.set(1.0)
    ksp.solve(b, x)
    residual = (b - A * x).norm() / b.norm()
    if how == "destroy":
        ksp.destroy()
    return residual


for step in range(STEPS):
    A = operator(step)
    residual = solve(A, sys.argv[1])
    held = A.getRefCount() - 1 if sys.argv[1] == "destroy" else 0
    PETSc.Sys.Print(f"solve {step} residual {residual:.3e}" + (f" held {held}" if held else ""))
