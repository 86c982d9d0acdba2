"""Slow flow in a closed box with petsc4py: a staggered grid, zeros on the diagonal for pressures.

-n <cells a side>, -given: one pressure is given and its row kept; otherwise constants are the null
space; -stable <number>: times the Laplacian of the pressures, which takes the place of zeros;
-operator same, shell (a product in Python, the matrix is its preconditioner) or blocks (what is
preconditioned is the block of the velocities, and ones for the pressures);
-format aij, nest (a matrix of matrices), or vectors (and of nested vectors);
-solves <count>: from one to the next the block of the velocities grows, which a nest is not told
"""

import sys

import petsc4py

petsc4py.init(sys.argv)
from petsc4py import PETSc  # noqa: E402 - PETSc reads argv when it is imported


def neighbours(n):
    """Pairs (row, column, value) of the upper triangle: velocities through faces, then pressures.

    The face between cells i and i + 1 along an axis, at j across it.
    """
    faces = (n - 1) * n
    for along in range(2):
        for i in range(n - 1):
            for j in range(n):
                row = along * faces + i * n + j
                yield row, row, 4.0 + (j in (0, n - 1))
                if i < n - 2:
                    yield row, row + n, -1.0
                if j < n - 1:
                    yield row, row + 1, -1.0
                for step in range(2):
                    cell = (i + step) * n + j if along == 0 else j * n + i + step
                    yield row, 2 * faces + cell, 2.0 * step - 1.0


def pressures(n, stable):
    """The same of what takes the place of zeros."""
    for i in range(n if stable else 0):
        for j in range(n):
            row = 2 * (n - 1) * n + i * n + j
            yield row, row, -stable * sum((i > 0, i < n - 1, j > 0, j < n - 1))
            if i < n - 1:
                yield row, row + n, stable
            if j < n - 1:
                yield row, row + 1, stable


def flow(n, given, stable):
    """Return the operator, and how many velocities it has."""
    velocities = 2 * (n - 1) * n
    size = velocities + n * n
    A = PETSc.Mat().createAIJ((size, size), nnz=(10, 8))
    begin, end = A.getOwnershipRange()
    for row, column, value in (*neighbours(n), *pressures(n, stable)):
        if given and velocities in (row, column):
            continue
        if begin <= row < end:
            A.setValue(row, column, value)
        if begin <= column < end:
            A.setValue(column, row, value)
    if given and begin <= velocities < end:
        A.setValue(velocities, velocities, 1.0)
    A.assemble()
    return A, velocities


def nested(A, velocities):
    """Return the same in blocks, and which rows these are."""
    begin, end = A.getOwnershipRange()
    middle = min(max(begin, velocities), end)
    rows = [
        PETSc.IS().createStride(last - first, first, 1, comm=A.comm)
        for first, last in ((begin, middle), (middle, end))
    ]
    blocks = [[A.createSubMatrix(row, column) for column in rows] for row in rows]
    if not blocks[1][1].norm():
        blocks[1][1] = None
    return PETSc.Mat().createNest(blocks, rows, rows), rows


def definite(A, velocities):
    """Return what is left of it without what couples both, and ones for the pressures."""
    P = PETSc.Mat().createAIJ(A.getSizes(), nnz=(6, 6))
    for row in range(*A.getOwnershipRange()):
        columns, values = A.getRow(row)
        for column, value in zip(columns, values, strict=True):
            if row < velocities and column < velocities:
                P.setValue(row, column, value)
        if row >= velocities:
            P.setValue(row, row, 1.0)
    P.assemble()
    return P


class Product:
    """A matrix of which nothing is known but its product."""

    def __init__(self, matrix):
        self.matrix = matrix

    def mult(self, _, x, y):
        """Multiply."""
        self.matrix.mult(x, y)


def constant_pressure(like, velocities):
    """Return the normalized vector that a flow with given velocities does not see."""
    constant = like.duplicate()
    begin, end = constant.getOwnershipRange()
    for row in range(max(begin, velocities), end):
        constant.setValue(row, 1.0)
    constant.assemble()
    constant.normalize()
    return constant


def main():
    """Solve, and print how well."""
    options = PETSc.Options()
    given, form = options.getBool("given", False), options.getString("format", "aij")
    plain, velocities = flow(options.getInt("n", 20), given, options.getReal("stable", 0.0))
    b, x = plain.createVecs()
    begin, end = b.getOwnershipRange()
    for row in range(begin, min(end, velocities)):
        b.setValue(row, (row * 7919 % 101) / 101.0 - 0.5)
    b.assemble()
    A, rows = (plain, None) if form == "aij" else nested(plain, velocities)

    made = [b, x] if given else [b, x, constant_pressure(b, velocities)]
    if form == "vectors":
        made = [PETSc.Vec().createNest([v.getSubVector(r) for r in rows], rows) for v in made]
    b, x, *unseen = made
    if unseen:
        A.setNullSpace(PETSc.NullSpace().create(vectors=unseen))
    operator, other = A, A
    if options.getString("operator", "same") == "shell":
        operator = PETSc.Mat().createPython(A.getSizes(), Product(A))
        operator.setUp()
    if options.getString("operator", "same") == "blocks":
        other = definite(plain, velocities)
    ksp = PETSc.KSP().create()
    ksp.setOperators(operator, other)
    ksp.setFromOptions()
    if rows and ksp.getPC().getType() == "fieldsplit":
        ksp.getPC().setFieldSplitIS(("0", rows[0]), ("1", rows[1]))
    for solve in range(options.getInt("solves", 1)):
        if solve:
            A.getNestSubMatrix(0, 0).scale(2.0)
        ksp.solve(b, x)
        residual = b - A * x
        largest = PETSc.NormType.INFINITY
        scale = plain.norm(largest) * x.norm(largest) + b.norm(largest)
        PETSc.Sys.Print(
            f"reason {ksp.getConvergedReason()} error {residual.norm(largest) / scale:g} "
            f"relative {residual.norm() / b.norm():g}"
        )
    ksp.destroy()


main()
