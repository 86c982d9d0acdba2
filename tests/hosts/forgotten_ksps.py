"""Time steps with a KSP for each: `destroy` calls destroy(), `forget` leaves it to Python."""

import sys

import petsc4py

petsc4py.init(sys.argv)
from grid import operator  # noqa: E402
from petsc4py import PETSc  # noqa: E402

N, STEPS = 60, 6


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
    A = operator(N, 4.01 + 1e-4 * step)
    residual = solve(A, sys.argv[1])
    held = A.getRefCount() - 1 if sys.argv[1] == "destroy" else 0
    PETSc.Sys.Print(f"solve {step} residual {residual:.3e}" + (f" held {held}" if held else ""))
