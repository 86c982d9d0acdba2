"""Finite elements of the corpus, by scikit-fem."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from metasolve.family import Family

Rng = np.random.Generator
PROBLEMS = Path(__file__).resolve().parent.parent / "problems"


def logarithmic(rng: Rng, low: float, high: float) -> float:
    """A number whose logarithm is uniform."""
    return float(low * (high / low) ** rng.random())


def elements(rng: Rng, unknowns: float, dimensions: int, degree: int) -> sp.csr_matrix:
    """Diffusion on a shaken mesh of triangles or tetrahedra, zero on the boundary."""
    import skfem

    n = max(3, round(unknowns ** (1.0 / dimensions) / degree) + 1)
    side = np.linspace(0.0, 1.0, n + 1)
    mesh: Any = (skfem.MeshTri if dimensions == 2 else skfem.MeshTet).init_tensor(
        *[side] * dimensions
    )
    mesh = _shaken(rng, mesh, 0.25 / n * rng.random())
    kind: dict[tuple[int, int], Any] = {
        (2, 1): skfem.ElementTriP1,
        (2, 2): skfem.ElementTriP2,
        (3, 1): skfem.ElementTetP1,
        (3, 2): skfem.ElementTetP2,
    }
    basis = skfem.Basis(mesh, kind[dimensions, degree]())
    cells = np.exp(rng.uniform(0.0, 1.5) * rng.standard_normal(mesh.t.shape[1]))
    modulus = np.repeat(cells[:, None], len(basis.dx[0]), axis=1)
    A = skfem.BilinearForm(_diffusion).assemble(basis, modulus=modulus)
    inside = basis.complement_dofs(basis.get_dofs())
    if rng.random() < 0.3:  # numbered as a mesh generator does, by chance
        inside = rng.permutation(inside)
    return sp.csr_matrix(A[inside][:, inside])


def high_order(rng: Rng, unknowns: float) -> sp.csr_matrix:
    """Poisson by polynomials of degree 3 to 6 on quadrilaterals, or 3 and 4 on triangles.

    A third of them keeps its boundary rows, as codes do that do not remove them.
    """
    import skfem

    triangles = rng.random() < 0.5
    degree = int(rng.integers(3, 5 if triangles else 7))
    n = max(2, round(unknowns**0.5 / degree))
    side = np.linspace(0.0, 1.0, n + 1)
    shape = (skfem.MeshTri if triangles else skfem.MeshQuad).init_tensor(side, side)
    mesh = _shaken(rng, shape, 0.2 / n * rng.random())
    kind: Any = {3: skfem.ElementTriP3, 4: skfem.ElementTriP4}[degree]() if triangles else None
    basis = skfem.Basis(mesh, kind or skfem.ElementQuadP(degree))
    modulus = np.ones((mesh.t.shape[1], len(basis.dx[0])))
    A = sp.csr_matrix(skfem.BilinearForm(_diffusion).assemble(basis, modulus=modulus))
    if rng.random() < 1.0 / 3.0:
        return keeping(A, basis.get_dofs().flatten(), symmetric=rng.random() < 0.5)
    inside = basis.complement_dofs(basis.get_dofs())
    return sp.csr_matrix(A[inside][:, inside])


def keeping(A: sp.csr_matrix, rows: NDArray[np.int_], *, symmetric: bool) -> sp.csr_matrix:
    """Rows that say 1 x = g; where `symmetric`, their columns leave the other rows."""
    kept = np.zeros(A.shape[0])
    kept[rows] = 1.0
    inner = sp.diags(1.0 - kept)
    B = sp.csr_matrix((inner @ A @ inner if symmetric else inner @ A) + sp.diags(kept))
    B.eliminate_zeros()
    return B


def whirl(unknowns: float, mass: float) -> sp.csr_matrix:
    """Curl of curl plus mass by edge elements on triangles, no tangential part on the boundary."""
    import skfem

    side = np.linspace(0.0, 1.0, max(3, round((unknowns / 3.0) ** 0.5)) + 1)
    basis = skfem.Basis(skfem.MeshTri.init_tensor(side, side), skfem.ElementTriN1())
    A = skfem.BilinearForm(_whirl).assemble(basis, mass=mass)
    inside = basis.complement_dofs(basis.get_dofs())
    return sp.csr_matrix(A[inside][:, inside])


def clamped_plate(unknowns: float, load: float) -> tuple[sp.csr_matrix, NDArray[np.float64]]:
    """The plate of problems/biharmonic."""
    family = Family.from_toml(PROBLEMS / "biharmonic" / "case.toml")
    cells = max(4, round((min(unknowns, 2e4) ** 0.5 + 1) / 2))
    return family.system(cells=cells, c1=load, c2=1.0, c3=2.0)


def _shaken(rng: Rng, mesh: Any, most: float) -> Any:
    points = mesh.p + most * rng.uniform(-1.0, 1.0, mesh.p.shape) * (mesh.p * (1.0 - mesh.p) > 1e-9)
    return type(mesh)(points, mesh.t)


def _diffusion(u: Any, v: Any, w: Any) -> Any:
    from skfem.helpers import dot

    return w.modulus * dot(u.grad, v.grad)


def _whirl(u: Any, v: Any, w: Any) -> Any:
    from skfem.helpers import dot

    return u.curl * v.curl + w.mass * dot(u, v)
