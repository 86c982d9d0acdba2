"""Two KSPs by turns: `again` both solve on, `destroy` the first is destroyed in between."""

import sys

import petsc4py

petsc4py.init(sys.argv)
from petsc4py import PETSc  # noqa: E402

N = 100


def operator(step):
    A = PETSc.Mat().createAIJ([N * N, N * N], nnz=5)
    for row in range(*A.getOwnershipRange()):
        i, j = divmod(row, N)
        A[row, row] = 4.01 + 1e-4 * step
        for inside, column in (
            (i > 0, row - N),
            (i < N - 1, row + N),
            (j > 0, row - 1),
            (j < N - 1, row + 1),
        ):
            if inside:
                A[row, column] = -1.0
    A.assemble()
    return A


def solve(ksp, A):
    ksp.setOperators(A)
    ksp.setTolerances(rtol=1e-8)
    ksp.setFromOptions()
    x, b = A.createVecs()
    b.set(1.0)
    ksp.solve(b, x)
    PETSc.Sys.Print(f"solve residual {(b - A * x).norm() / b.norm():.3e}")


first, second = PETSc.KSP().create(), PETSc.KSP().create()
here, there = operator(0), operator(1)
solve(first, here)
solve(second, there)  # takes what the first one has offered
if sys.argv[1] == "destroy":
    first.destroy()
for step in range(2, 4):
    solve(
        second if sys.argv[1] == "destroy" else first,
        here if sys.argv[1] == "again" else operator(step),
    )
    solve(second, operator(step))
