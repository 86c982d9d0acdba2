"""Poisson's equation in the unit square, u = 0 on its boundary: linear triangles, free unknowns.

The load is two smooth sources of equal width and opposite sign; their places and width vary.
"""

from functools import lru_cache

import numpy as np
from skfem import Basis, ElementTriP1, LinearForm, MeshTri, condense
from skfem.models.poisson import laplace


@lru_cache(maxsize=1)
def discretised(n):
    """Return the basis on n x n squares of two triangles each, stiffness and boundary."""
    points = np.linspace(0.0, 1.0, n + 1)
    basis = Basis(MeshTri.init_tensor(points, points), ElementTriP1())
    return basis, laplace.assemble(basis), basis.mesh.boundary_nodes()


@LinearForm
def load(v, w):
    """Return the load tested with v."""
    return w.source * v


def system(n, x1, y1, x2, y2, width):
    """Return A ((n - 1)^2 x (n - 1)^2) and b."""
    basis, A, boundary = discretised(n)
    x, y = basis.global_coordinates()

    def bump(x0, y0):
        return np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2.0 * width**2)) / width**2

    b = load.assemble(basis, source=bump(x1, y1) - bump(x2, y2))
    A, b, *_ = condense(A, b, D=boundary)
    A.eliminate_zeros()  # diagonals of squares couple nothing
    A.sort_indices()
    return A, b
