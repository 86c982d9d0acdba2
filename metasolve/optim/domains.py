"""Domains: compact convex sets over which a linear function is easily minimised.

A box bounds settings, a simplex holds mixtures (over types of preconditioner, say), an l1 ball
sparse vectors (modes of an initial guess); a product holds one of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metasolve.errors import UsageError

Array = NDArray[np.float64]


class Domain(Protocol):
    """A compact convex set in R^n.

    Attributes
    ----------
    centre : (n,), a point well inside.
    radius : every point within this distance of the centre, in the maximum norm and along
        directions that :meth:`direction` returns, is in the set.
    """

    centre: Array
    radius: float

    def minimiser(self, gradient: Array) -> Array:
        """The extreme point (..., n) that minimises the inner product with gradient (..., n)."""
        ...

    def direction(self, v: Array) -> Array:
        """Orthogonal projection of v (..., n) on the directions in which the set extends."""
        ...

    def contains(self, x: Array, tolerance: float = 1e-12) -> NDArray[np.bool_]:
        """Whether each x (..., n) is in the set, up to rounding."""
        ...


class Box:
    """{x: low <= x <= high}.

    Parameters
    ----------
    low, high
        (n,), low < high.

    Raises
    ------
    UsageError
        If it is empty or flat.
    """

    def __init__(self, low: ArrayLike, high: ArrayLike) -> None:
        self.low, self.high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
        self.centre = (self.low + self.high) / 2.0
        self.radius = float(np.min(self.high - self.low)) / 2.0
        if not self.radius > 0:
            raise UsageError(f"box: low={self.low} must be below high={self.high}")

    def minimiser(self, gradient: Array) -> Array:
        """The corner against the gradient."""
        return np.where(gradient > 0, self.low, self.high)

    def direction(self, v: Array) -> Array:
        """Every direction."""
        return v

    def contains(self, x: Array, tolerance: float = 1e-12) -> NDArray[np.bool_]:
        """Whether within the bounds."""
        each = (x >= self.low - tolerance) & (x <= self.high + tolerance)
        inside: NDArray[np.bool_] = np.all(each, axis=-1)
        return inside


class Simplex:
    """{x: x >= 0, Σx = 1} in R^n, n >= 2."""

    def __init__(self, n: int) -> None:
        if n < 2:
            raise UsageError(f"simplex: n={n} leaves nothing to choose; use 2 or more")
        self.centre = np.full(n, 1.0 / n)
        # The maximum norm of v minus its mean is at most twice that of v.
        self.radius = 1.0 / n

    def minimiser(self, gradient: Array) -> Array:
        """The vertex where the gradient is least."""
        vertex: Array = np.eye(len(self.centre))[np.argmin(gradient, axis=-1)]
        return vertex

    def direction(self, v: Array) -> Array:
        """Directions that leave the sum alone."""
        along: Array = v - v.mean(axis=-1, keepdims=True)
        return along

    def contains(self, x: Array, tolerance: float = 1e-12) -> NDArray[np.bool_]:
        """Whether not negative and summing to one."""
        total: Array = x.sum(axis=-1)
        inside: NDArray[np.bool_] = np.all(x >= -tolerance, axis=-1)
        inside &= np.abs(total - 1.0) <= tolerance
        return inside


class L1Ball:
    """{x: Σ|x| <= size} in R^n."""

    def __init__(self, n: int, size: float = 1.0) -> None:
        if n < 1 or not size > 0:
            raise UsageError(f"l1 ball: n={n}, size={size}; use n >= 1 and size > 0")
        self.size, self.centre, self.radius = size, np.zeros(n), size / n

    def minimiser(self, gradient: Array) -> Array:
        """The vertex on the axis where the gradient is largest, against it."""
        largest = np.argmax(np.abs(gradient), axis=-1)
        axis = np.eye(len(self.centre))[largest]
        vertex: Array = -self.size * axis * np.where(gradient > 0, 1.0, -1.0)
        return vertex

    def direction(self, v: Array) -> Array:
        """Every direction."""
        return v

    def contains(self, x: Array, tolerance: float = 1e-12) -> NDArray[np.bool_]:
        """Whether the sizes sum to no more."""
        inside: NDArray[np.bool_] = np.abs(x).sum(axis=-1) <= self.size + tolerance
        return inside


class Product:
    """The Cartesian product of domains: (x_1, ..., x_m) with each x_i in its domain."""

    def __init__(self, parts: Sequence[Domain]) -> None:
        self.parts = tuple(parts)
        self.centre = np.concatenate([np.zeros(0), *(part.centre for part in self.parts)])
        self.radius = min((part.radius for part in self.parts), default=np.inf)
        self._ends = np.cumsum([len(part.centre) for part in self.parts], dtype=int)[:-1]

    def minimiser(self, gradient: Array) -> Array:
        """The extreme points of the parts: a linear function is minimised part by part."""
        return self._joined([part.minimiser for part in self.parts], gradient)

    def direction(self, v: Array) -> Array:
        """The directions of the parts."""
        return self._joined([part.direction for part in self.parts], v)

    def contains(self, x: Array, tolerance: float = 1e-12) -> NDArray[np.bool_]:
        """Whether each part is in its domain."""
        pairs = zip(self.parts, self._split(x), strict=True)
        each = [part.contains(its, tolerance) for part, its in pairs]
        inside: NDArray[np.bool_] = np.all([np.ones(x.shape[:-1], dtype=bool), *each], axis=0)
        return inside

    def _joined(self, functions: Sequence[Callable[[Array], Array]], x: Array) -> Array:
        pairs = zip(functions, self._split(x), strict=True)
        joined: Array = np.concatenate([x[..., :0], *(f(its) for f, its in pairs)], axis=-1)
        return joined

    def _split(self, x: Array) -> list[Array]:
        return np.split(x, self._ends, axis=-1) if self.parts else []


def pulled_inside(domain: Domain, x: Array, reach: float) -> Array:
    """The point towards the centre from x (..., n) around which probes of `reach` stay inside.

    With t = reach/radius, (1 - t) x + t·centre holds t times the ball about the centre, by
    convexity. It is at most t times the set's diameter away from x.

    Parameters
    ----------
    reach
        Largest component of a probe, in size; at most the domain's radius.

    Raises
    ------
    UsageError
        If probes reach too far for the domain.
    """
    t = reach / domain.radius
    if t > 1.0:
        raise UsageError(f"probe reach={reach} leaves the domain; use at most {domain.radius}")
    return (1.0 - t) * x + t * domain.centre
