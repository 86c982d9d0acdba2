"""What hosts have in common: five points on an n x n grid, and a little more on the diagonal."""

from petsc4py import PETSc


def operator(n, diagonal):
    A = PETSc.Mat().createAIJ([n * n, n * n], nnz=5)
    for row in range(*A.getOwnershipRange()):
        i, j = divmod(row, n)
        A[row, row] = diagonal
        inside = {row - n: i > 0, row + n: i < n - 1, row - 1: j > 0, row + 1: j < n - 1}
        for column, there in inside.items():
            if there:
                A[row, column] = -1.0
    A.assemble()
    return A
