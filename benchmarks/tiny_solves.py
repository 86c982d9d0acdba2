"""A program to be watched: many solves of a tiny system; prints their median seconds as JSON.

Arguments: number of rows, number of solves. Knows PETSc only; plugin_overhead.py starts it.
"""

import json
import statistics
import sys
import time

from petsc4py import PETSc

rows, solves = map(int, sys.argv[1:3])
A = PETSc.Mat().createAIJ([rows, rows], nnz=3)
for i in range(rows):
    A.setValue(i, i, 3.0)
    for j in {max(i - 1, 0), min(i + 1, rows - 1)} - {i}:
        A.setValue(i, j, -1.0)
A.assemble()
x, b = A.createVecs()
b.set(1.0)
ksp = PETSc.KSP().create()
ksp.setOperators(A)
ksp.setFromOptions()


def seconds(changing: bool) -> float:
    """Median wall seconds of a solve, the operator's values being new or not."""
    taken = []
    for _ in range(solves):
        if changing:
            A.setValue(0, 0, 3.0)
            A.assemble()
        start = time.perf_counter()
        ksp.solve(b, x)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


seconds(changing=True)
print(json.dumps({"same operator": seconds(False), "new operator": seconds(True)}))
