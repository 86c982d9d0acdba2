"""Run by test_complex with the petsc4py of complex numbers: features, and what numpy says.

Prints a JSON line for each operator: features, and those that are sums over all rows, by numpy.
"""

import json
import sys

import numpy as np
from petsc4py import PETSc

from metasolve.petsc.library import plugin

ROWS = 200


def dense(kind, rng):
    """A banded operator: any, equal to its transpose, or to its adjoint."""
    values = rng.standard_normal((ROWS, ROWS)) + 1j * rng.standard_normal((ROWS, ROWS))
    i, j = np.indices(values.shape)
    A = np.where(abs(i - j) <= 3, values, 0)
    if kind == "symmetric":
        A = A + A.T
    if kind == "hermitian":
        A = A + A.conj().T
    return A


def parts(A, b):
    """What the features say, of whole matrices."""
    diagonal = np.diag(A)
    beside = A - np.diag(diagonal)
    weight = abs(beside).sum()
    norm = np.linalg.norm(b)
    return {
        "negative_diagonal": (diagonal.real <= 0).mean(),
        "positive_weight": abs(beside)[beside.real > 0].sum() / weight,
        "dominance_mean": np.minimum(abs(diagonal) / abs(beside).sum(1), 10).mean(),
        "diagonal_range": np.log10(abs(diagonal).max() / abs(diagonal).min()),
        "row_sum": np.log10(np.minimum(abs(A.sum(1)) / abs(diagonal), 1e6).mean()),
        "gershgorin": np.log10((abs(A).sum(1) / abs(diagonal)).max()),
        "rhs_peak": np.log10(abs(b).max() * np.sqrt(ROWS) / norm),
        "rhs_spread": abs(b).sum() / (np.sqrt(ROWS) * norm),
        "rhs_roughness": (abs(np.diff(b)) ** 2).sum() / (2 * norm**2),
    }


for seed, kind in enumerate(("any", "symmetric", "hermitian")):
    rng = np.random.default_rng(seed)
    whole = dense(kind, rng)
    right = rng.standard_normal(ROWS) + 1j * rng.standard_normal(ROWS)
    A = PETSc.Mat().createAIJ((ROWS, ROWS), nnz=(7, 7))
    for row in range(*A.getOwnershipRange()):
        (columns,) = np.nonzero(whole[row])
        A.setValues(row, columns.astype(PETSc.IntType), whole[row, columns])
    A.assemble()
    b = A.createVecLeft()
    b.setArray(right[slice(*b.getOwnershipRange())])
    features = plugin().features(A, b, 1e-5, 1e-50)
    if PETSc.COMM_WORLD.rank == 0:
        json.dump([kind, features, parts(whole, right)], sys.stdout)
        sys.stdout.write("\n")
