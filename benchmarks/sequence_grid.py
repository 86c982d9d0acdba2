"""A grid of cells, and operators of convection and diffusion on it, all of one pattern."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int32]


class Grid:
    """Cells of a unit square or cube; values are 0 around it.

    Parameters
    ----------
    dimension
        2 or 3.
    across
        Cells along each side.
    """

    def __init__(self, dimension: int, across: int) -> None:
        self.dimension, self.across, self.size = dimension, across, across**dimension
        cells = np.arange(self.size).reshape((across,) * dimension)
        turned = [np.moveaxis(cells, axis, 0) for axis in range(dimension)]
        self._faces = [(each[:-1].ravel(), each[1:].ravel()) for each in turned]
        self._ends = [(each[0].ravel(), each[-1].ravel()) for each in turned]
        rows, columns = [cells.ravel()], [cells.ravel()]
        for low, high in self._faces:
            rows += [low, high]
            columns += [high, low]
        places = np.arange(sum(map(len, rows)), dtype=np.float64)
        kept = sp.coo_matrix((places + 1, (np.concatenate(rows), np.concatenate(columns)))).tocsr()
        kept.sort_indices()
        self.indptr, self.indices = kept.indptr, kept.indices
        self._order = kept.data.astype(np.int64) - 1

    @cached_property
    def centres(self) -> Array:
        """Of cells; (dimension, size)."""
        along = (np.arange(self.across) + 0.5) / self.across
        return np.array(np.meshgrid(*[along] * self.dimension, indexing="ij")).reshape(
            self.dimension, -1
        )

    def values(self, k: Array, wind: Array | None = None, mass: Array | float = 0.0) -> Array:
        """Entries of an operator, in the order of `indices`, times the square of a cell's side.

        Parameters
        ----------
        k
            Coefficient of diffusion of each cell; harmonic means at faces.
        wind
            Velocity along each axis, in cell Péclet numbers for k = 1; upwind.
        mass
            Of each cell, over the time step.
        """
        wind = np.zeros(self.dimension) if wind is None else wind
        diagonal, beside = np.zeros(self.size) + mass, list[Array]()
        for (low, high), (first, last), v in zip(self._faces, self._ends, wind, strict=True):
            face = 2.0 * k[low] * k[high] / (k[low] + k[high])
            forth, back = face + max(v, 0.0), face + max(-v, 0.0)
            np.add.at(diagonal, low, forth)
            np.add.at(diagonal, high, back)
            diagonal[first] += 2.0 * k[first] + max(-v, 0.0)
            diagonal[last] += 2.0 * k[last] + max(v, 0.0)
            beside += [-back, -forth]
        told: Array = np.concatenate([diagonal, *beside])[self._order]
        return told
