"""Run by test_features: prints the features of the systems in the files it is given, as JSON.

Arguments: pairs of a matrix file and a right-hand side file.
"""

import json
import sys

from petsc4py import PETSc

from metasolve.petsc.library import plugin

for matrix, rhs in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    A = PETSc.Mat().create()
    A.setType("aij")
    A.load(PETSc.Viewer().createBinary(matrix, "r"))
    b = A.createVecLeft()
    b.load(PETSc.Viewer().createBinary(rhs, "r"))
    features = plugin().features(A, b, 1e-5, 1e-50)
    if PETSc.COMM_WORLD.rank == 0:
        print(json.dumps(features), flush=True)
