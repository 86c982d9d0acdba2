"""`Predictor`: features of an instance to coordinates of its solution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Predictor(Protocol):
    """Maps features (..., features) to coordinates (..., modes)."""

    def __call__(self, features: ArrayLike, /) -> Array:
        """Predict."""
        ...


@dataclass(frozen=True)
class Scaling:
    """Columns shifted and scaled to mean 0 and variance 1; those that never vary become 0."""

    mean: Array
    size: Array

    @classmethod
    def fit(cls, table: ArrayLike) -> Scaling:
        """Learn from rows."""
        table = np.asarray(table, dtype=np.float64)
        size = table.std(axis=0)
        # A column that moves by rounding alone must not be blown up to variance 1.
        still = size <= 1e-12 * np.abs(table).max(axis=0, initial=0.0)
        return cls(table.mean(axis=0), np.where(still, np.inf, size))

    def __call__(self, table: ArrayLike) -> Array:
        """Scaled rows."""
        return (np.asarray(table, dtype=np.float64) - self.mean) / self.size

    @property
    def spread(self) -> Array:
        """`size`, 0 for columns that never varied."""
        return np.where(np.isinf(self.size), 0.0, self.size)

    def back(self, scaled: Array) -> Array:
        """Rows from scaled ones; of columns that never varied what they always were."""
        return scaled * self.spread + self.mean


@dataclass(frozen=True)
class Ridge:
    """Ridge regression on all monomials of the scaled features up to a degree.

    Minimises Σ ‖z - c - W p(φ)‖² + penalty · instances · ‖W‖², p the scaled monomials; closed form.
    """

    inputs: Scaling
    monomials: Scaling
    weights: Array
    centre: Array
    degree: int

    @classmethod
    def fit(
        cls, features: ArrayLike, z: ArrayLike, penalty: float = 1e-8, degree: int = 1
    ) -> Ridge:
        """Learn from features (instances, features) and coordinates z (instances, modes)."""
        z = np.asarray(z, dtype=np.float64)
        inputs = Scaling.fit(features)
        raw = _monomials(inputs(features), degree)
        monomials = Scaling.fit(raw)
        p, centre = monomials(raw), z.mean(axis=0)
        # The augmented least-squares problem loses no digits, the normal equations half of them.
        below = np.sqrt(penalty * len(p)) * np.eye(p.shape[1])
        rows = np.vstack([p, below])
        right = np.vstack([z - centre, np.zeros((p.shape[1], z.shape[1]))])
        weights = np.linalg.lstsq(rows, right, rcond=None)[0]
        return cls(inputs, monomials, weights, centre, degree)

    def __call__(self, features: ArrayLike) -> Array:
        """Predict."""
        raw = _monomials(self.inputs(features), self.degree)
        return self.monomials(raw) @ self.weights + self.centre


@dataclass(frozen=True)
class Network:
    """Multilayer perceptron between scaled features and scaled coordinates.

    Attributes
    ----------
    inputs, outputs : scalings of either side.
    layers : weights (out, in) and bias (out,) of each; tanh between them.
    """

    inputs: Scaling
    outputs: Scaling
    layers: Sequence[tuple[Array, Array]]

    def __call__(self, features: ArrayLike) -> Array:
        """Predict."""
        h = self.inputs(features)
        for weights, bias in self.layers[:-1]:
            h = np.tanh(h @ weights.T + bias)
        weights, bias = self.layers[-1]
        return self.outputs.back(h @ weights.T + bias)


def _monomials(x: Array, degree: int) -> Array:
    """All products (..., count) of 1 to `degree` of the columns of x."""
    if degree == 1:
        return x
    columns = range(x.shape[-1])
    chosen = [c for d in range(1, degree + 1) for c in combinations_with_replacement(columns, d)]
    return np.stack([np.prod(x[..., list(c)], axis=-1) for c in chosen], axis=-1)
