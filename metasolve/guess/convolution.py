"""`Convolution`: a small convolutional network, from a field on a grid to coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from metasolve.guess.predictor import Scaling

POINTS = 16  # along each axis of what the network sees
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Coarse:
    """Means of a field (..., rows · columns) over 16 x 16 blocks of a grid, (..., 256).

    Attributes
    ----------
    shape : points along both axes, 16 or more; the last varies fastest.
    """

    shape: tuple[int, int]

    def __call__(self, field: ArrayLike) -> Array:
        """Average."""
        grid = np.asarray(field, dtype=np.float64)
        rows, columns = (_means(n) for n in self.shape)
        blocks = rows @ grid.reshape(*grid.shape[:-1], *self.shape) @ columns.T
        return blocks.reshape(*grid.shape[:-1], POINTS**2)


@dataclass(frozen=True)
class Convolution:
    """3 x 3 filters, tanh, halving by averages, again and again; then a dense layer.

    Attributes
    ----------
    coarse : the field to what the network sees.
    inputs, outputs : scalings of that and of coordinates.
    filters : weights (out, in, 3, 3) and bias (out,) of each; beyond the edge is zero.
    head : weights (modes, in) and bias (modes,).
    """

    coarse: Coarse
    inputs: Scaling
    outputs: Scaling
    filters: Sequence[tuple[Array, Array]]
    head: tuple[Array, Array]

    def __call__(self, field: ArrayLike) -> Array:
        """Predict coordinates (..., modes) from a field (..., rows · columns)."""
        seen = self.inputs(self.coarse(field))
        h = seen.reshape(-1, 1, POINTS, POINTS)
        for weights, bias in self.filters:
            h = _halved(np.tanh(_filtered(h, weights) + bias[:, None, None]))
        weights, bias = self.head
        return self.outputs.back(h.reshape(*seen.shape[:-1], -1) @ weights.T + bias)


def _means(n: int) -> Array:
    """Matrix (16, n) of averages over stretches that are as long as can be alike."""
    ends = np.linspace(0, n, POINTS + 1).astype(int)
    matrix = np.zeros((POINTS, n))
    for row, (start, end) in enumerate(pairwise(ends)):
        matrix[row, start:end] = 1.0 / (end - start)
    return matrix


def _filtered(h: Array, weights: Array) -> Array:
    around = np.pad(h, ((0, 0), (0, 0), (1, 1), (1, 1)))
    # The stubs of numpy 1 admit one axis only; those of numpy 2 are right.
    windows: Array = sliding_window_view(around, (3, 3), axis=(-2, -1))  # type: ignore[call-overload]
    filtered: Array = np.einsum("nixyab,oiab->noxy", windows, weights, optimize=True)
    return filtered


def _halved(h: Array) -> Array:
    *lead, rows, columns = h.shape
    halved: Array = h.reshape(*lead, rows // 2, 2, columns // 2, 2).mean(axis=(-3, -1))
    return halved
