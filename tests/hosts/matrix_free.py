"""Bratu's problem on a DMDA with petsc4py's SNES.

Under -snes_mf_operator products with the Jacobian are differences of the function.

-n <points a side>, -solves <count>, -lambda <strength>
"""

import sys

import numpy as np
import petsc4py

petsc4py.init(sys.argv)
from petsc4py import PETSc  # noqa: E402 - PETSc reads argv when it is imported


class Bratu:
    """-Laplace u = lambda exp(u) on the unit square, zero on its boundary."""

    def __init__(self, n, strength):
        self.n, self.strength, self.calls = n, strength, 0
        self.da = PETSc.DMDA().create([n, n], stencil_width=1, stencil_type="star")
        self.local = self.da.createLocalVec()

    def padded(self, x):
        """Return the values of this rank with one more on each side."""
        (gx, gy), (gm, gn) = self.da.getGhostCorners()
        (ox, oy), (m, n) = self.da.getCorners()
        self.da.globalToLocal(x, self.local)
        all_ = np.zeros((n + 2, m + 2))
        rows, columns = gy - oy + 1, gx - ox + 1
        all_[rows : rows + gn, columns : columns + gm] = self.local.getArray().reshape(gn, gm)
        return all_

    def function(self, _, x, f):
        """Evaluate the residual."""
        self.calls += 1
        u, h = self.padded(x), 1.0 / (self.n + 1)
        middle = u[1:-1, 1:-1]
        beside = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
        f.setArray((4 * middle - beside - h * h * self.strength * np.exp(middle)).ravel())

    def jacobian(self, _, x, A, P):
        """Assemble the derivative in P."""
        (ox, oy), (m, n) = self.da.getCorners()
        middle, h = self.padded(x)[1:-1, 1:-1], 1.0 / (self.n + 1)
        row, column = PETSc.Mat.Stencil(), PETSc.Mat.Stencil()
        for j in range(oy, oy + n):
            for i in range(ox, ox + m):
                row.index = (i, j)
                own = 4 - h * h * self.strength * np.exp(middle[j - oy, i - ox])
                P.setValueStencil(row, row, own)
                for di, dj in ((0, -1), (-1, 0), (1, 0), (0, 1)):
                    if 0 <= i + di < self.n and 0 <= j + dj < self.n:
                        column.index = (i + di, j + dj)
                        P.setValueStencil(row, column, -1.0)
        P.assemble()
        if A != P:
            A.assemble()


def main():
    """Solve and tell what SNES has counted."""
    options = PETSc.Options()
    problem = Bratu(options.getInt("n", 32), options.getReal("lambda", 6.0))
    x, f, P = problem.da.createGlobalVec(), problem.da.createGlobalVec(), problem.da.createMat()
    snes = PETSc.SNES().create()
    snes.setDM(problem.da)
    snes.setFunction(problem.function, f)
    snes.setJacobian(problem.jacobian, None, P)
    snes.setFromOptions()
    for _ in range(options.getInt("solves", 1)):
        x.set(0.0)
        snes.solve(None, x)
        PETSc.Sys.Print(
            f"reason {int(snes.getConvergedReason())} newton {snes.getIterationNumber()} "
            f"linear {snes.getLinearSolveIterations()} "
            f"evaluations {snes.getFunctionEvaluations()} norm {x.norm():.8e}"
        )
        PETSc.Sys.Print(f"calls {problem.calls}")


if __name__ == "__main__":
    main()
