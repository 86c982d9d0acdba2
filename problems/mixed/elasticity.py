"""Linear elasticity by bilinear and linear elements: clamped at x = 0, free unknowns only."""

import numpy as np
from skfem import (
    Basis,
    BilinearForm,
    ElementQuad1,
    ElementTetP1,
    ElementVector,
    LinearForm,
    MeshQuad,
    MeshTet,
    condense,
)
from skfem.helpers import ddot, sym_grad, trace


@BilinearForm
def stress(u, v, w):
    """Return lambda div u div v + 2 mu e(u) : e(v)."""
    e, d = sym_grad(u), sym_grad(v)
    return w.modulus * (w.bulk * trace(e) * trace(d) + 2.0 * ddot(e, d))


@LinearForm
def weight(v, _):
    """Return the work of a unit weight along the last axis."""
    return -v[-1]


def elasticity(cells, along, dimensions, poisson, stiffness):
    """Return A and b of a bar of `along` cells, `cells` across.

    The shear modulus is 1, in the outer half `stiffness`; `poisson` is Poisson's ratio.
    """
    across = np.linspace(0.0, 1.0, cells + 1)
    length = along / cells
    sides = [np.linspace(0.0, length, along + 1)] + [across] * (dimensions - 1)
    mesh = (MeshQuad if dimensions == 2 else MeshTet).init_tensor(*sides)
    basis = Basis(mesh, ElementVector(ElementQuad1() if dimensions == 2 else ElementTetP1()))
    outer = mesh.p[0, mesh.t].mean(axis=0) > length / 2
    points = len(basis.dx[0])
    modulus = np.repeat(np.where(outer, stiffness, 1.0)[:, None], points, axis=1)
    A = stress.assemble(basis, modulus=modulus, bulk=2.0 * poisson / (1.0 - 2.0 * poisson))
    b = weight.assemble(basis)
    clamped = basis.get_dofs(lambda x: x[0] == 0.0).all()
    A, b, *_ = condense(A, b, D=clamped)
    return A.tocsr(), b
