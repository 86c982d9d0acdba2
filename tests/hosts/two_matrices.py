"""Convection and diffusion with petsc4py: the preconditioner is made of another matrix.

-n <n>, -solves <count>, -operator shell (a Python product), slow (one that takes a millisecond),
inverse (one that solves a system itself), other (another assembled matrix) or nest
"""

import sys
import time

import petsc4py

petsc4py.init(sys.argv)
from petsc4py import PETSc  # noqa: E402 - PETSc reads argv when it is imported


def stencil(n, wind):
    """Five-point operator on n x n points, upwind."""
    matrix = PETSc.Mat().createAIJ((n * n, n * n), nnz=(5, 2))
    for row in range(*matrix.getOwnershipRange()):
        j, i = divmod(row, n)
        matrix.setValue(row, row, 4.0 + wind)
        for di, dj, value in ((0, -1, -1.0), (-1, 0, -1.0 - wind), (1, 0, -1.0), (0, 1, -1.0)):
            if 0 <= i + di < n and 0 <= j + dj < n:
                matrix.setValue(row, (j + dj) * n + i + di, value)
    matrix.assemble()
    return matrix


class Product:
    """A matrix of which nothing is known but its product."""

    def __init__(self, matrix, kind):
        self.matrix, self.kind = matrix, kind
        self.identity = PETSc.KSP().create(matrix.comm)
        self.work = matrix.createVecLeft()
        self.identity.setOperators(identity(matrix))
        self.identity.setType("gmres")

    def mult(self, _, x, y):
        """Multiply."""
        if self.kind == "slow":
            time.sleep(1e-3)
        if self.kind == "inverse":
            self.matrix.mult(x, self.work)
            self.identity.solve(self.work, y)
        else:
            self.matrix.mult(x, y)


def identity(matrix):
    """Return the identity of the same layout."""
    found = PETSc.Mat().createAIJ(matrix.getSizes(), nnz=1)
    for row in range(*found.getOwnershipRange()):
        found.setValue(row, row, 1.0)
    found.assemble()
    return found


def operator(kind, matrix):
    """Return the operator as a matrix of a kind."""
    if kind == "other":
        return matrix
    if kind == "nest":
        return PETSc.Mat().createNest([[matrix]])
    shell = PETSc.Mat().createPython(matrix.getSizes(), Product(matrix, kind))
    shell.setUp()
    return shell


def main():
    """Solve for several right-hand sides and print one line each."""
    options = PETSc.Options()
    n, solves = options.getInt("n", 40), options.getInt("solves", 3)
    exact, near = stencil(n, 0.5), stencil(n, 0.4)
    A = operator(options.getString("operator", "shell"), exact)
    x, b = near.createVecs()
    ksp = PETSc.KSP().create()
    ksp.setOperators(A, near)
    ksp.setTolerances(rtol=1e-6)
    ksp.setFromOptions()
    for solve in range(solves):
        b.set(solve + 1.0)
        ksp.solve(b, x)
        residual = b - exact * x
        PETSc.Sys.Print(
            f"solve {solve} reason {int(ksp.getConvergedReason())} "
            f"iterations {ksp.getIterationNumber()} residual {residual.norm() / b.norm():.6e} "
            f"norm {x.norm():.10e} prefix -"
        )


if __name__ == "__main__":
    main()
