"""A symmetric operator of a scalar on a square whose diagonal has both signs, with petsc4py.

-n <points a side>; -where slab (a quarter of the square, where waves are too short for the mesh),
blocks (squares of eight points, in turn), points (one in seventeen, each alone), alone (one in
four, which its own entry dominates), flipped (two in five, likewise, some beside each other), or
apart (half of the square, likewise, which has no entries in common with the other half)
"""

import sys

import petsc4py

petsc4py.init(sys.argv)
from petsc4py import PETSc  # noqa: E402 - PETSc reads argv when it is imported

SHARP = 4.6  #: what is taken off the 4 of the Laplacian, ...
TURNED = 8.1  #: ... and so much where the entry is to dominate its row


def sharp(where, i, j, n):
    """Whether it is taken there."""
    if where == "slab":
        return i < n // 4
    if where == "blocks":
        return (i // 8 + j // 8) % 2
    if where == "alone":
        return (i % 2) * (j % 2)
    if where == "flipped":
        return (i * 7919 + j * 104729) % 5 < 2
    if where == "apart":
        return j < n // 2
    return (i * 7919 + j * 104729) % 17 == 0


def operator(n, where):
    """Return the matrix."""
    less = SHARP if where in ("slab", "blocks", "points") else TURNED
    A = PETSc.Mat().createAIJ((n * n, n * n), nnz=(5, 3))
    for row in range(*A.getOwnershipRange()):
        i, j = divmod(row, n)
        A.setValue(row, row, 4.0 - (less if sharp(where, i, j, n) else 0.1))
        right = j < n - 1 and not (where == "apart" and j == n // 2 - 1)
        left = j > 0 and not (where == "apart" and j == n // 2)
        beside = ((i > 0, -n), (i < n - 1, n), (left, -1), (right, 1))
        for step in (step for there, step in beside if there):
            A.setValue(row, row + step, -1.0)
    A.assemble()
    return A


def main():
    """Solve, and print how well."""
    options = PETSc.Options()
    A = operator(options.getInt("n", 40), options.getString("where", "slab"))
    x, b = A.createVecs()
    for row in range(*b.getOwnershipRange()):
        b.setValue(row, (row * 7919 % 101) / 101.0 - 0.5)
    b.assemble()
    ksp = PETSc.KSP().create()
    ksp.setOperators(A)
    ksp.setFromOptions()
    ksp.solve(b, x)
    residual = (b - A * x).norm() / b.norm()
    PETSc.Sys.Print(f"reason {ksp.getConvergedReason()} relative {residual:g}")
    ksp.destroy()


main()
