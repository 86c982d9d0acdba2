"""A solve whose operator computes and sleeps, on a processor that another process has as well."""

import os
import subprocess
import sys
import time

import petsc4py

petsc4py.init(sys.argv)
from petsc4py import PETSc  # noqa: E402

COMPUTES, SLEEPS = 0.01, 0.01
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
other = subprocess.Popen([sys.executable, "-c", "while True: pass"])


class Slow:
    slept = 0.0

    def mult(self, mat, x, y):
        begin = time.thread_time()
        while time.thread_time() < begin + COMPUTES:
            pass
        begin = time.monotonic()
        time.sleep(SLEEPS)
        Slow.slept += time.monotonic() - begin
        A.mult(x, y)


A = PETSc.Mat().createAIJ([100, 100], nnz=3)
for row in range(100):
    A[row, row] = 3.0
    if row:
        A[row, row - 1] = A[row - 1, row] = -1.0
A.assemble()
x, b = A.createVecs()
b.set(1.0)
try:
    ksp = PETSc.KSP().create()
    ksp.setOperators(PETSc.Mat().createPython([100, 100], Slow()), A)
    ksp.getPC().setType("jacobi")
    ksp.setFromOptions()
    ksp.solve(b, x)
    print("slept", Slow.slept)
finally:
    other.kill()
