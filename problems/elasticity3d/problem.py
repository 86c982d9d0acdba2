"""Linear elasticity in a clamped beam under its own weight: linear tetrahedra, free unknowns only.

The beam is `length` long and 1 x 1 across, clamped at x = 0; Lame's parameters are 1 where
`stiffness` is 1, and `stiffness` times as large in its outer half. Weight is rho downwards.
"""

from functools import lru_cache

import numpy as np
from skfem import (
    Basis,
    BilinearForm,
    ElementTetP0,
    ElementTetP1,
    ElementVector,
    LinearForm,
    MeshTet,
    condense,
)
from skfem.helpers import ddot, sym_grad, trace


@BilinearForm
def stress(u, v, w):
    """Return lambda div u div v + 2 mu e(u) : e(v), lambda = mu = w.modulus."""
    e, d = sym_grad(u), sym_grad(v)
    return w.modulus * (trace(e) * trace(d) + 2.0 * ddot(e, d))


@LinearForm
def weight(v, _):
    """Return the work of a unit weight."""
    return -v[2]


@lru_cache(maxsize=1)
def discretised(cells, along, length):
    """Return the mesh, its basis, piecewise constants and the clamped unknowns."""
    across = np.linspace(0.0, 1.0, cells + 1)
    mesh = MeshTet.init_tensor(np.linspace(0.0, length, along + 1), across, across)
    basis = Basis(mesh, ElementVector(ElementTetP1()))
    clamped = basis.get_dofs(lambda x: x[0] == 0.0).all()
    return mesh, basis, basis.with_element(ElementTetP0()), clamped


def system(cells, along, rho=1.0, length=1.0, stiffness=1.0):
    """Return A and b on cells x cells x along cubes of six tetrahedra each."""
    mesh, basis, constants, clamped = discretised(cells, along, length)
    outer = mesh.p[0, mesh.t].mean(axis=0) > length / 2
    modulus = constants.interpolate(np.where(outer, stiffness, 1.0))
    A = stress.assemble(basis, modulus=modulus)
    b = rho * weight.assemble(basis)
    A, b, *_ = condense(A, b, D=clamped)
    A.sort_indices()
    return A, b
