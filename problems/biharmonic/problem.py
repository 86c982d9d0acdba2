"""Simply supported plate: biharmonic equation in the unit square, C0 interior penalty method.

Continuous quadratic triangles; jumps of the normal derivative are penalised by ALPHA / h (Brenner &
Sung, J. Sci. Comput. 22, 2005). The load is c1 sin(c2 pi x) sin(c3 pi y). The matrix never changes.
"""

from functools import lru_cache

import numpy as np
from skfem import (
    Basis,
    BilinearForm,
    ElementTriP2G,
    InteriorFacetBasis,
    LinearForm,
    MeshTri,
    asm,
    condense,
)
from skfem.helpers import dot

ALPHA = 8.0


@BilinearForm
def bending(u, v, _):
    """Return (laplacian u, laplacian v)."""
    return laplacian(u) * laplacian(v)


@BilinearForm
def interior_penalty(u, v, w):
    """Return consistency, symmetry and penalty terms of one pair of sides of the inner edges."""
    side_u, side_v = (-1.0) ** w.idx[0], (-1.0) ** w.idx[1]
    jump_u, jump_v = side_u * dot(u.grad, w.n), side_v * dot(v.grad, w.n)
    mean_u, mean_v = laplacian(u) / 2, laplacian(v) / 2
    return ALPHA / w.h * jump_u * jump_v - mean_u * jump_v - jump_u * mean_v


@LinearForm
def load(v, w):
    """Return the work of the load."""
    return w.c1 * np.sin(w.c2 * np.pi * w.x[0]) * np.sin(w.c3 * np.pi * w.x[1]) * v


def laplacian(u):
    """Return the trace of the Hessian."""
    return u.hess[0][0] + u.hess[1][1]


@lru_cache(maxsize=1)
def discretised(cells):
    """Return basis, matrix and the unknowns on the boundary, of cells x cells split squares."""
    side = np.linspace(0.0, 1.0, cells + 1)
    mesh, element = MeshTri.init_tensor(side, side), ElementTriP2G()
    basis = Basis(mesh, element)
    sides = [InteriorFacetBasis(mesh, element, side=each) for each in (0, 1)]
    A = bending.assemble(basis) + sum_over_pairs(sides)
    return basis, A, basis.get_dofs().all()


def sum_over_pairs(sides):
    """Return the interior penalty matrix: both sides of an edge with both."""
    return asm(interior_penalty, sides, sides)


def system(cells, c1, c2, c3):
    """Return A, symmetric positive definite, and b on (2 cells - 1)^2 points."""
    basis, A, boundary = discretised(cells)
    b = load.assemble(basis, c1=c1, c2=c2, c3=c3)
    A, b, *_ = condense(A, b, D=boundary)
    A.sort_indices()
    return A, b
