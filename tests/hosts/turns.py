"""Cheap and dear systems of one size in turns, with petsc4py: a new matrix for each.

-turns <letters>: c for a cheap one, which is symmetric; d for a dear one, with a little wind;
-n <points a side>
"""

import sys

import petsc4py

petsc4py.init(sys.argv)
from petsc4py import PETSc  # noqa: E402 - PETSc reads argv when it is imported


def operator(n, dear):
    """Return the matrix."""
    A = PETSc.Mat().createAIJ((n * n, n * n), nnz=(5, 3))
    wind = 0.05 if dear else 0.0
    for row in range(*A.getOwnershipRange()):
        i, j = divmod(row, n)
        A.setValue(row, row, 4.0 + (0.0 if dear else 0.4))
        beside = (
            (i > 0, -n, -1.0 - wind),
            (i < n - 1, n, -1.0 + wind),
            (j > 0, -1, -1.0),
            (j < n - 1, 1, -1.0),
        )
        for there, step, value in beside:
            if there:
                A.setValue(row, row + step, value)
    A.assemble()
    return A


def main():
    """Solve them all by one KSP."""
    options = PETSc.Options()
    n = options.getInt("n", 40)
    ksp = PETSc.KSP().create()
    ksp.setFromOptions()
    for turn in options.getString("turns", "cd"):
        A = operator(n, turn == "d")
        x, b = A.createVecs()
        b.set(1.0)
        ksp.setOperators(A)
        ksp.solve(b, x)


main()
