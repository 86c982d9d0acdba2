"""Saddle points of the corpus: zeros on the diagonal where the pressure is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from benchmarks.corpus_elements import logarithmic

Rng = np.random.Generator
System = tuple[sp.csr_matrix, NDArray[np.float64]]


def staggered(dimensions: int) -> Callable[[Rng, float], System]:
    """Slow flow on a staggered grid, perhaps a step in time; all walls, one pressure left out."""

    def draw(rng: Rng, unknowns: float) -> System:
        n = max(5, round((unknowns / (dimensions + 1)) ** (1.0 / dimensions)))
        second = sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n, n)).tolil()
        second[0, 0] = second[-1, -1] = 3.0
        inner = sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n - 1, n - 1))
        slope = sp.diags([-1.0, 1.0], [0, 1], shape=(n - 1, n))
        velocities, slopes = [], []
        for along in range(dimensions):
            inside = [sp.identity(n - (axis == along)) for axis in range(dimensions)]
            parts = [
                _product([*inside[:axis], inner if axis == along else second, *inside[axis + 1 :]])
                for axis in range(dimensions)
            ]
            velocities.append(sum(parts[1:], parts[0]))
            cells = [sp.identity(n)] * dimensions
            slopes.append(_product([*cells[:along], slope, *cells[along + 1 :]]))
        K = sp.block_diag(velocities)
        K = K + logarithmic(rng, 1e-6, 1.0) * sp.identity(K.shape[0])
        G = sp.vstack(slopes).tocsc()[:, :-1]
        A = sp.csr_matrix(sp.bmat([[K, G], [G.T, None]]))
        b = np.r_[rng.standard_normal(K.shape[0]), np.zeros(G.shape[1])]
        return _numbered(rng, A, b, share=0.1)

    return draw


def taylor_hood(rng: Rng, unknowns: float) -> System:
    """Slow flow in a cavity by quadratic elements, or linear ones with bubbles."""
    return _cavity(rng, unknowns, carried=False)


def oseen(rng: Rng, unknowns: float) -> System:
    """The same, carried along by a given flow."""
    return _cavity(rng, unknowns, carried=True)


def mixed_poisson(rng: Rng, unknowns: float) -> System:
    """Flow through a porous medium: fluxes through faces, and a pressure in each cell."""
    import skfem

    dimensions = int(rng.integers(2, 4))
    each = (5.0, 18.0)[dimensions - 2]  # unknowns for each cell of the grid
    n = max(2, round((unknowns / each) ** (1.0 / dimensions)))
    mesh = _mesh(skfem, rng, n, dimensions)
    face = skfem.ElementTriRT0() if dimensions == 2 else skfem.ElementTetRT0()
    cell = skfem.ElementTriP0() if dimensions == 2 else skfem.ElementTetP0()
    fluxes = skfem.Basis(mesh, face, intorder=2)
    pressures = fluxes.with_element(cell)
    resistance = _cells(rng, fluxes, 2.0)
    M = skfem.BilinearForm(_mass).assemble(fluxes, modulus=resistance)
    B = skfem.BilinearForm(_source).assemble(fluxes, pressures)
    A = sp.csr_matrix(sp.bmat([[M, B.T], [B, None]]))
    b = np.r_[np.zeros(M.shape[0]), rng.standard_normal(B.shape[0])]
    return _numbered(rng, A, b, share=0.3)


def _cavity(rng: Rng, unknowns: float, *, carried: bool) -> System:
    import skfem

    dimensions = int(rng.integers(2, 4))
    bubbles = rng.random() < 0.3
    each = ((9.0, 25.0), (7.0, 22.0))[bubbles][dimensions - 2]  # unknowns for each cell of the grid
    n = max(2, round((unknowns / each) ** (1.0 / dimensions)))
    mesh = _mesh(skfem, rng, n, dimensions)
    names = {
        (2, False): skfem.ElementTriP2,
        (2, True): skfem.ElementTriMini,
        (3, False): skfem.ElementTetP2,
        (3, True): skfem.ElementTetMini,
    }
    linear = skfem.ElementTriP1() if dimensions == 2 else skfem.ElementTetP1()
    velocities = skfem.Basis(mesh, skfem.ElementVector(names[dimensions, bubbles]()), intorder=4)
    pressures = velocities.with_element(linear)
    viscosity = _cells(rng, velocities, 1.5)
    speed = logarithmic(rng, 1.0, 1e2) if carried else 0.0
    step = logarithmic(rng, 1e-2, 1e4) if rng.random() < 0.4 else 0.0
    K = skfem.BilinearForm(_friction).assemble(
        velocities, modulus=viscosity, speed=speed, step=step
    )
    B = skfem.BilinearForm(_source).assemble(velocities, pressures)
    A = sp.csr_matrix(sp.bmat([[K, B.T], [B, None]]))
    if rng.random() < 0.5:  # an assembled mixed element stores the zeros
        A = _with_zeros(A, K.shape[0])
    walls = np.r_[velocities.get_dofs().flatten(), K.shape[0]]  # one pressure is given
    lid = velocities.get_dofs(lambda x: x[-1] > 1.0 - 1e-9).nodal["u^1"]
    x = np.zeros(A.shape[0])
    x[lid] = 1.0
    b = -(A @ x)
    b[: K.shape[0]] += rng.integers(2) * rng.standard_normal(K.shape[0]) / n**dimensions
    if rng.random() < 0.6:
        A, b = _kept(A, b, walls, x)
    else:
        inside = np.setdiff1d(np.arange(A.shape[0]), walls)
        A, b = A[inside][:, inside], b[inside]
    return _numbered(rng, A, b, share=0.4)


def _mesh(skfem: Any, rng: Rng, n: int, dimensions: int) -> Any:
    side = np.linspace(0.0, 1.0, n + 1)
    made: Any = (skfem.MeshTri if dimensions == 2 else skfem.MeshTet).init_tensor(
        *[side] * dimensions
    )
    inside = made.p * (1.0 - made.p) > 1e-9
    moved = made.p + 0.2 / n * rng.random() * rng.uniform(-1.0, 1.0, made.p.shape) * inside
    return type(made)(moved, made.t)


def _cells(rng: Rng, basis: Any, most: float) -> NDArray[np.float64]:
    """A modulus in each cell; in half of the systems it is the same in all."""
    spread = rng.integers(2) * rng.uniform(0.0, most)
    cells = np.exp(spread * rng.standard_normal(basis.mesh.t.shape[1]))
    told: NDArray[np.float64] = np.repeat(cells[:, None], len(basis.dx[0]), axis=1)
    return told


def _with_zeros(A: sp.csr_matrix, velocities: int) -> sp.csr_matrix:
    """The same with a diagonal entry in each row."""
    places = A.tocoo()
    rest = np.arange(velocities, A.shape[0])
    rows, columns = np.r_[places.row, rest], np.r_[places.col, rest]
    values = np.r_[places.data, np.zeros(len(rest))]
    order = np.lexsort((columns, rows))
    start = np.r_[0, np.cumsum(np.bincount(rows, minlength=A.shape[0]))]
    return sp.csr_matrix((values[order], columns[order], start), shape=A.shape)


def _kept(
    A: sp.csr_matrix, b: NDArray[np.float64], rows: NDArray[np.int_], x: NDArray[np.float64]
) -> System:
    """Rows that say 1 x = g, and their columns gone; what is stored stays stored."""
    kept = np.zeros(A.shape[0])
    kept[rows] = 1.0
    inner = sp.diags(1.0 - kept)
    return sp.csr_matrix(inner @ A @ inner + sp.diags(kept)), np.where(kept > 0.0, x, b)


def _numbered(rng: Rng, A: sp.csr_matrix, b: NDArray[np.float64], share: float) -> System:
    """Numbered as a mesh generator does, in a share of the systems."""
    n = A.shape[0]
    order = rng.permutation(n) if rng.random() < share else np.arange(n)
    return sp.csr_matrix(A[order][:, order]), b[order]


def _product(parts: Sequence[Any]) -> Any:
    return reduce(sp.kron, parts)


def _friction(u: Any, v: Any, w: Any) -> Any:
    from skfem.helpers import ddot, dot, grad

    x, y = w.x[0] - 0.5, w.x[1] - 0.5
    wind = np.stack([y, -x, *[0.0 * x] * (len(w.x) - 2)])
    carried = sum(wind[k] * grad(u)[:, k] for k in range(len(w.x)))
    return w.modulus * ddot(grad(u), grad(v)) + w.speed * dot(carried, v) + w.step * dot(u, v)


def _mass(u: Any, v: Any, w: Any) -> Any:
    from skfem.helpers import dot

    return w.modulus * dot(u, v)


def _source(u: Any, q: Any, _: Any) -> Any:
    from skfem.helpers import div

    return -q * div(u)


#: Kind: its siblings' name, and what draws it.
SADDLES: Mapping[str, tuple[str, Callable[[Rng, float], System]]] = {
    "stokes": ("staggered", staggered(2)),
    "stokes3d": ("staggered", staggered(3)),
    "taylor_hood": ("cavity", taylor_hood),
    "oseen": ("cavity", oseen),
    "mixed_poisson": ("mixed", mixed_poisson),
}
