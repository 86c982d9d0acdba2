"""Poisson with petsc4py, solver from the options database.

-n <n>, -solves <count>, -leak (never destroy anything, as scripts do)
"""

import sys

import petsc4py

petsc4py.init(sys.argv)
from petsc4py import PETSc  # noqa: E402 - PETSc reads argv when it is imported

KEPT = []


def laplacian(n):
    """Five-point operator on n x n points."""
    matrix = PETSc.Mat().createAIJ((n * n, n * n), nnz=(5, 2))
    for row in range(*matrix.getOwnershipRange()):
        j, i = divmod(row, n)
        matrix.setValue(row, row, 4.0)
        for di, dj in ((0, -1), (-1, 0), (1, 0), (0, 1)):
            if 0 <= i + di < n and 0 <= j + dj < n:
                matrix.setValue(row, (j + dj) * n + i + di, -1.0)
    matrix.assemble()
    return matrix


def main():
    """Solve for several right-hand sides and print one line each."""
    options = PETSc.Options()
    n, solves = options.getInt("n", 32), options.getInt("solves", 2)
    matrix = laplacian(n)
    x, b = matrix.createVecs()
    ksp = PETSc.KSP().create()
    ksp.setOperators(matrix)
    ksp.setFromOptions()
    for solve in range(solves):
        b.set(solve + 1.0)
        ksp.solve(b, x)
        residual = b - matrix * x
        PETSc.Sys.Print(
            f"solve {solve} reason {int(ksp.getConvergedReason())} "
            f"iterations {ksp.getIterationNumber()} residual {residual.norm() / b.norm():.6e} "
            f"norm {x.norm():.10e} prefix -"
        )
        residual.destroy()
    if options.getBool("leak", False):
        KEPT.extend([ksp, matrix, x, b])
        return
    for item in (ksp, x, b, matrix):
        item.destroy()


if __name__ == "__main__":
    main()
