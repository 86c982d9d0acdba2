"""Kinds of systems that the corpus holds besides those of problems/mixed: each from a generator.

Sizes are aimed at, not met. No system is a real program's: those are the exam.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from benchmarks.corpus_elements import (
    PROBLEMS,
    clamped_plate,
    elements,
    high_order,
    keeping,
    logarithmic,
    whirl,
)
from benchmarks.corpus_saddles import SADDLES
from metasolve.family import Family
from metasolve.petsc.contract import Measure

Rng = np.random.Generator


@dataclass(frozen=True)
class Drawn:
    """A system, and what its program would say about it.

    Parameters
    ----------
    A, b
        Operator and right-hand side.
    block_size, constant_null
        As the program declares them.
    measure
        In which the answers of an iterative solve are judged.
    """

    A: sp.csr_matrix
    b: NDArray[np.float64]
    block_size: int = 1
    constant_null: bool = False
    measure: Measure = Measure.NORM


Kind = Callable[[Rng, float], Drawn]


@lru_cache(maxsize=1)
def mixed() -> Mapping[str, Any]:
    """The names of problems/mixed/problem.py."""
    return Family.from_toml(PROBLEMS / "mixed" / "case.toml").system.__globals__


def loaded(rng: Rng, A: sp.spmatrix, **said: Any) -> Drawn:
    """A system with an even, smooth, rough or peaked right-hand side."""
    A, n = sp.csr_matrix(A), A.shape[0]
    x = np.linspace(0.0, 1.0, n)
    b = (
        np.ones(n),
        np.sin(np.pi * rng.integers(1, 6) * x) + 0.1,
        rng.standard_normal(n),
        np.where(rng.random(n) < 5.0 / n, 1.0, 0.0),
    )[rng.integers(4)]
    b[rng.integers(n)] += 0.5
    return Drawn(A, b, **said)


def _laplacian(rng: Rng, unknowns: float, dimensions: int | None = None) -> sp.csr_matrix:
    d = dimensions or int(rng.integers(2, 4))
    shape = mixed()["sides"](unknowns, d, rng.uniform(1.0, 2.0))
    return mixed()["stencil"](np.ones(shape))


def _grid(unknowns: float, dimensions: int) -> tuple[int, ...]:
    return tuple(mixed()["sides"](unknowns, dimensions))


def _of_mixed(kind: str) -> Kind:
    def draw(rng: Rng, unknowns: float) -> Drawn:
        A, b = mixed()["KINDS"][kind](rng, unknowns)
        vector = kind.startswith("elasticity") and rng.random() < 0.6
        return Drawn(sp.csr_matrix(A), b, block_size=int(kind[-2]) if vector else 1)

    return draw


def helmholtz(rng: Rng, unknowns: float) -> Drawn:
    """Waves below the first resonance: nearly singular, still definite."""
    shape = _grid(unknowns, int(rng.integers(2, 4)))
    A = mixed()["stencil"](np.ones(shape))
    lowest = sum(4.0 * np.sin(np.pi / (2 * n)) ** 2 for n in shape)
    share = 1.0 - logarithmic(rng, 1e-3, 0.7)
    return loaded(rng, A - share * lowest * sp.identity(A.shape[0]))


def neumann(rng: Rng, unknowns: float) -> Drawn:
    """No boundary value anywhere: constants are the null space, and said to be."""
    shape = _grid(unknowns, int(rng.integers(2, 4)))
    A = mixed()["stencil"](np.exp(rng.uniform(0.0, 1.0) * rng.standard_normal(shape)))
    A = A - sp.diags(np.asarray(A.sum(axis=1)).ravel())
    drawn = loaded(rng, A, constant_null=True)
    return Drawn(drawn.A, drawn.b - drawn.b.mean(), constant_null=True)


def line(rng: Rng, unknowns: float) -> Drawn:
    """One dimension: a band."""
    return loaded(rng, mixed()["stencil"](np.exp(rng.standard_normal(round(unknowns)))))


def bilinear(dimensions: int) -> Kind:
    """Nine and twenty-seven points: bilinear and trilinear elements."""

    def draw(rng: Rng, unknowns: float) -> Drawn:
        n = round(unknowns ** (1.0 / dimensions))
        stiffness = sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n, n)) * n
        mass = sp.diags([1.0, 4.0, 1.0], [-1, 0, 1], shape=(n, n)) / (6.0 * n)
        weights = [logarithmic(rng, 0.2, 1.0) for _ in range(dimensions)]
        A = sp.csr_matrix((n**dimensions,) * 2)
        for axis, weight in enumerate(weights):
            part = sp.identity(1)
            for k in range(dimensions):
                part = sp.kron(part, stiffness if k == axis else mass)
            A = A + weight * part
        return loaded(rng, A)

    return draw


def anisotropic3d(rng: Rng, unknowns: float) -> Drawn:
    """Diffusion that is slow along one or two of three axes."""
    n = round(unknowns ** (1.0 / 3.0))
    second = sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n, n))
    weights = rng.permutation([1.0, logarithmic(rng, 1e-3, 1.0), logarithmic(rng, 1e-3, 0.3)])
    one = sp.identity(n)
    parts = [(second, one, one), (one, second, one), (one, one, second)]
    A = sum(w * sp.kron(sp.kron(a, b), c) for w, (a, b, c) in zip(weights, parts, strict=True))
    return loaded(rng, A)


def jumps(dimensions: int) -> Kind:
    """Cells of two or more materials, in blocks."""

    def draw(rng: Rng, unknowns: float) -> Drawn:
        shape = _grid(unknowns, dimensions)
        blocks = tuple(int(rng.integers(2, max(3, n // 3))) for n in shape)
        contrast = np.log(logarithmic(rng, 10.0, 1e6))
        field = np.exp(contrast * rng.integers(0, 3, size=blocks) / 2.0)
        for axis, n in enumerate(shape):
            field = field.take(np.arange(n) * blocks[axis] // n, axis=axis)
        return loaded(rng, mixed()["stencil"](field))

    return draw


def heat_steps(rng: Rng, unknowns: float) -> Drawn:
    """A step of the heat equation: short ones are easy."""
    A = _laplacian(rng, unknowns)
    if rng.random() < 0.5:
        A = mixed()["lognormal"](rng, unknowns)[0]
    step = logarithmic(rng, 0.1, 1e5)
    return loaded(rng, sp.identity(A.shape[0]) + step * A)


def transport_steps(rng: Rng, unknowns: float) -> Drawn:
    """A step of convection and diffusion."""
    A, _ = mixed()["KINDS"][("transport2d", "transport3d")[rng.integers(2)]](rng, unknowns)
    return loaded(rng, sp.identity(A.shape[0]) + logarithmic(rng, 0.3, 1e3) * A)


def transport_elements(rng: Rng, unknowns: float) -> Drawn:
    """Convection and diffusion by bilinear elements, mesh Peclet numbers below two."""
    n = round(unknowns**0.5)
    stiffness = sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n, n)) * n
    mass = sp.diags([1.0, 4.0, 1.0], [-1, 0, 1], shape=(n, n)) / (6.0 * n)
    slope = sp.diags([-0.5, 0.5], [-1, 1], shape=(n, n))
    angle, speed = rng.uniform(0.0, 2.0 * np.pi), n * logarithmic(rng, 0.05, 2.0)
    A = sp.kron(mass, stiffness) + sp.kron(stiffness, mass)
    wind = np.cos(angle) * sp.kron(mass, slope) + np.sin(angle) * sp.kron(slope, mass)
    return loaded(rng, A + speed * wind)


def kept_rows(rng: Rng, unknowns: float) -> Drawn:
    """Boundary rows kept as 1 x = g, the others in units of their own."""
    A = _laplacian(rng, unknowns, 2) if rng.random() < 0.5 else _laplacian(rng, unknowns, 3)
    n, units = A.shape[0], logarithmic(rng, 1e-9, 1e11)
    kept = np.asarray(abs(A).sum(axis=1)).ravel() > 0
    kept &= np.diff(sp.csr_matrix(A).indptr) < np.diff(A.indptr).max()
    inner = sp.diags((~kept).astype(float))
    symmetric = rng.random() < 0.6
    A = units * (inner @ A @ inner if symmetric else inner @ A) + sp.diags(kept.astype(float))
    b = np.where(kept, 0.0 if symmetric else rng.uniform(0.0, 300.0), units * rng.random() / n)
    A = sp.csr_matrix(A)
    A.eliminate_zeros()
    return Drawn(A, b, measure=Measure.ROWS if rng.random() < 0.7 else Measure.NORM)


def kept_elasticity(rng: Rng, unknowns: float) -> Drawn:
    """Solids in SI units, clamped by kept rows on one side."""
    d = int(rng.integers(2, 4))
    A, b = mixed()["KINDS"][f"elasticity{d}d"](rng, unknowns)
    units, n = logarithmic(rng, 1e6, 1e12), A.shape[0]
    clamped = np.arange(d * max(1, round((n / d) ** (1.0 - 1.0 / d))))
    A = keeping(sp.csr_matrix(units * A), clamped, symmetric=True)
    b[clamped] = 0.0
    measure = Measure.ROWS if rng.random() < 0.7 else Measure.NORM
    return Drawn(A, b, block_size=d if rng.random() < 0.7 else 1, measure=measure)


def reaction(rng: Rng, unknowns: float) -> Drawn:
    """Species that diffuse and react: small blocks that couple."""
    m = int(rng.integers(2, 5))
    L = _laplacian(rng, unknowns / m)
    diffusion = sp.diags([logarithmic(rng, 1e-2, 1.0) for _ in range(m)])
    rates = logarithmic(rng, 1e-3, 10.0) * rng.standard_normal((m, m))
    if rng.random() < 0.4:
        rates = rates @ rates.T
    else:
        rates += np.diag(np.abs(rates).sum(axis=1))
    A = sp.kron(L, diffusion) + sp.kron(sp.identity(L.shape[0]), sp.csr_matrix(rates))
    return loaded(rng, A, block_size=m if rng.random() < 0.7 else 1)


def network(rng: Rng, unknowns: float) -> Drawn:
    """Currents in a network of neighbours and a few long wires, weakly earthed."""
    from scipy.spatial import cKDTree

    n = round(unknowns)
    points = rng.random((n, int(rng.integers(2, 4))))
    _, near = cKDTree(points).query(points, k=int(rng.integers(4, 8)))
    rows, columns = np.repeat(np.arange(n), near.shape[1] - 1), near[:, 1:].ravel()
    wires = rng.integers(n, size=(2, round(n * logarithmic(rng, 1e-4, 0.02))))
    rows, columns = np.r_[rows, wires[0]], np.r_[columns, wires[1]]
    weights = np.exp(rng.uniform(0.0, 2.0) * rng.standard_normal(len(rows)))
    W = sp.coo_matrix((weights, (rows, columns)), shape=(n, n)).tocsr()
    W = W + W.T
    W.setdiag(0.0)
    W.eliminate_zeros()
    earth = logarithmic(rng, 1e-6, 1e-2)
    return loaded(rng, sp.diags(np.asarray(W.sum(axis=1)).ravel() + earth) - W)


def plate(rng: Rng, unknowns: float) -> Drawn:
    """Bending, with some tension: thirteen points, or quadratic elements of problems/biharmonic."""
    if rng.random() < 0.3:
        return Drawn(*clamped_plate(unknowns, rng.uniform(0.5, 2.0)))
    L = _laplacian(rng, min(unknowns, 5e4), 2)
    return loaded(rng, L @ L + logarithmic(rng, 1e-5, 1e-1) * L)


def _of_elements(dimensions: int, degree: int) -> Kind:
    def draw(rng: Rng, unknowns: float) -> Drawn:
        return loaded(rng, elements(rng, unknowns, dimensions, degree))

    return draw


def curls(rng: Rng, unknowns: float) -> Drawn:
    """Edge elements: curl of curl, and a little mass."""
    return loaded(rng, whirl(unknowns, logarithmic(rng, 1e-3, 1e3)))


def _of_saddles(draw: Callable[[Rng, float], tuple[sp.csr_matrix, NDArray[np.float64]]]) -> Kind:
    return lambda rng, unknowns: Drawn(*draw(rng, unknowns))


KINDS: Mapping[str, tuple[str, Kind]] = {
    "poisson2d": ("poisson", _of_mixed("poisson2d")),
    "poisson3d": ("poisson", _of_mixed("poisson3d")),
    "helmholtz": ("poisson", helmholtz),
    "neumann": ("neumann", neumann),
    "line": ("line", line),
    "bilinear2d": ("bilinear", bilinear(2)),
    "trilinear3d": ("bilinear", bilinear(3)),
    "anisotropic": ("anisotropic", _of_mixed("anisotropic")),
    "anisotropic3d": ("anisotropic", anisotropic3d),
    "channels": ("rough", _of_mixed("channels")),
    "lognormal": ("rough", _of_mixed("lognormal")),
    "jumps2d": ("rough", jumps(2)),
    "jumps3d": ("rough", jumps(3)),
    "heat_steps": ("steps", heat_steps),
    "transport2d": ("transport", _of_mixed("transport2d")),
    "transport3d": ("transport", _of_mixed("transport3d")),
    "transport_steps": ("transport", transport_steps),
    "transport_elements": ("transport", transport_elements),
    "elasticity2d": ("elasticity", _of_mixed("elasticity2d")),
    "elasticity3d": ("elasticity", _of_mixed("elasticity3d")),
    "kept_rows": ("kept rows", kept_rows),
    "kept_elasticity": ("elasticity", kept_elasticity),
    "reaction": ("reaction", reaction),
    "network": ("network", network),
    "plate": ("plate", plate),
    **{kind: (siblings, _of_saddles(draw)) for kind, (siblings, draw) in SADDLES.items()},
    "unstructured2d": ("unstructured", _of_elements(2, 1)),
    "unstructured3d": ("unstructured", _of_elements(3, 1)),
    "quadratic2d": ("quadratic", _of_elements(2, 2)),
    "quadratic3d": ("quadratic", _of_elements(3, 2)),
    "high_order": ("quadratic", lambda rng, unknowns: loaded(rng, high_order(rng, unknowns))),
    "curls": ("curls", curls),
}
"""Kind: its siblings' name (they are left out of a fit together), and what draws it."""
