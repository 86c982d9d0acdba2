"""Fields on structured grids, from one grid to another.

Both grids cover the same box, corner to corner: point i of n lies at i / (n - 1). The plug-in does
the same (newton_guess.c).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
_CUBIC = 4  # points


def resample(field: ArrayLike, points: Sequence[int]) -> Array:
    """Interpolate a field on another grid by Lagrange's cubics along each axis.

    Laws: exact for polynomials of degree 3 in each coordinate, and on the field's own grid.

    Parameters
    ----------
    field : (..., components); one axis of the grid after the other, then the components.
    points : of the other grid, along each of these axes.

    Returns
    -------
    Array
        Shape (*points, components).
    """
    result = np.asarray(field, dtype=np.float64)
    for axis, count in enumerate(points):
        cubic = _cubic(result.shape[axis], count)
        result = np.moveaxis(np.tensordot(cubic, result, axes=(1, axis)), 0, axis)
    return result


def _cubic(coarse: int, fine: int) -> Array:
    """Weights (fine, coarse) of the four nearest points, of fewer where there are no four."""
    width = min(coarse, _CUBIC)
    place = np.arange(fine) * (coarse - 1) / max(fine - 1, 1)
    first = np.clip(place.astype(int) - 1, 0, coarse - width)
    nodes = first[:, None] + np.arange(width)
    weights = np.ones((fine, width))
    for k in range(width):
        for other in range(width):
            if other != k:
                weights[:, k] *= (place - nodes[:, other]) / (k - other)
    matrix = np.zeros((fine, coarse))
    np.put_along_axis(matrix, nodes, weights, axis=1)
    return matrix
