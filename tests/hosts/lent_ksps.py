"""Two KSPs by turns: `again` both solve on, `destroy` the first is destroyed in between."""

import sys

import petsc4py

petsc4py.init(sys.argv)
from grid import operator  # noqa: E402
from petsc4py import PETSc  # noqa: E402

N = 100


def system(step):
    return operator(N, 4.01 + 1e-4 * step)


def solve(ksp, A):
    ksp.setOperators(A)
    ksp.setTolerances(rtol=1e-8)
    ksp.setFromOptions()
    x, b = A.createVecs()
    b.set(1.0)
    ksp.solve(b, x)
    PETSc.Sys.Print(f"solve residual {(b - A * x).norm() / b.norm():.3e}")


first, second = PETSc.KSP().create(), PETSc.KSP().create()
here, there = system(0), system(1)
solve(first, here)
solve(second, there)  # takes what the first one has offered
if sys.argv[1] == "destroy":
    first.destroy()
for step in range(2, 4):
    solve(
        second if sys.argv[1] == "destroy" else first,
        here if sys.argv[1] == "again" else system(step),
    )
    solve(second, system(step))
