"""`Codec`: coordinates z in which a guess is predicted, and the vector x they stand for.

==============  ========================================  ============================
codec           decode(z)                                 encode(x)
==============  ========================================  ============================
`Identity`      z                                         x
`Sine`          sine series on a structured grid          its coefficients
`Pod`           V z, V from snapshots                     Vᵀ x
`Grid`          interpolation from a coarser grid         least squares
==============  ========================================  ============================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from metasolve.errors import UsageError

Array = NDArray[np.float64]


class Codec(Protocol):
    """A linear map from coordinates z (modes,) to vectors x (size,), and a left inverse of it.

    Laws: encode(decode(z)) = z; decode(encode(x)) is a projection. Leading axes of z and x are
    instances.

    Attributes
    ----------
    size, modes
        Lengths of x and z; modes <= size.
    """

    @property
    def size(self) -> int: ...  # noqa: D102 - see above
    @property
    def modes(self) -> int: ...  # noqa: D102

    def encode(self, x: ArrayLike) -> Array:
        """Coordinates (..., modes) of x (..., size)."""
        ...

    def decode(self, z: ArrayLike) -> Array:
        """Vector (..., size) with coordinates z (..., modes)."""
        ...


def basis(codec: Codec, modes: int | None = None) -> Array:
    """The first `modes` columns of decode as a matrix (size, modes), each contiguous in memory."""
    count = codec.modes if modes is None else min(modes, codec.modes)
    return codec.decode(np.eye(count, codec.modes)).T


@dataclass(frozen=True)
class Identity:
    """x itself."""

    size: int

    @property
    def modes(self) -> int:
        """As many as unknowns."""
        return self.size

    def encode(self, x: ArrayLike) -> Array:
        """Return x."""
        return np.asarray(x, dtype=np.float64)

    def decode(self, z: ArrayLike) -> Array:
        """Return z."""
        return np.asarray(z, dtype=np.float64)


class Sine:
    """Sine series of functions that vanish on the boundary of a structured grid.

    The orthonormal discrete sine transform of type I; modes with the smallest sum of squared wave
    numbers first.

    Parameters
    ----------
    shape
        Interior points along each axis; the last axis varies fastest.
    modes
        How many to keep; None keeps all.
    """

    def __init__(self, shape: Sequence[int], modes: int | None = None) -> None:
        self._shape = tuple(shape)
        self.size = int(np.prod(self._shape))
        self.modes = self.size if modes is None else modes
        if not 1 <= self.modes <= self.size:
            raise UsageError(f"modes={modes!r} of a sine series: give 1 to {self.size}")
        waves = np.array(np.meshgrid(*map(_wave_numbers, self._shape), indexing="ij"))
        self._kept = np.argsort((waves**2).sum(axis=0).ravel(), kind="stable")[: self.modes]

    def encode(self, x: ArrayLike) -> Array:
        """Sine coefficients of x."""
        return self._transform(np.asarray(x, dtype=np.float64))[..., self._kept]

    def decode(self, z: ArrayLike) -> Array:
        """Sine series with coefficients z."""
        z = np.asarray(z, dtype=np.float64)
        full = np.zeros((*z.shape[:-1], self.size))
        full[..., self._kept] = z
        return self._transform(full)

    def _transform(self, x: Array) -> Array:
        grid = x.reshape(*x.shape[:-1], *self._shape)
        axes = tuple(range(-len(self._shape), 0))
        transformed: Array = scipy.fft.dstn(grid, type=1, axes=axes, norm="ortho").reshape(x.shape)
        return transformed


class Pod:
    """The orthonormal basis in which snapshots are best represented by few coordinates.

    Of all subspaces with as many dimensions, the sum of squared distances of the snapshots is
    smallest for this one (proper orthogonal decomposition; Eckart & Young, Psychometrika 1, 1936).
    Where a bilinear form of the problem family is not at hand, distance is the 2-norm.

    Parameters
    ----------
    V
        Orthonormal columns (size, modes).
    """

    def __init__(self, V: ArrayLike) -> None:
        self._rows = np.ascontiguousarray(np.asarray(V, dtype=np.float64).T)
        self.modes, self.size = self._rows.shape

    @classmethod
    def fit(cls, snapshots: ArrayLike, modes: int) -> Pod:
        """Learn from snapshots (instances, size); fewer modes where they span fewer."""
        X = np.asarray(snapshots, dtype=np.float64)
        _, s, Vt = np.linalg.svd(X, full_matrices=False)
        rank = int(np.sum(s > np.finfo(float).eps * max(X.shape) * s[0]))
        return cls(Vt[: min(modes, rank)].T)

    def encode(self, x: ArrayLike) -> Array:
        """Return Vᵀ x."""
        return np.asarray(x, dtype=np.float64) @ self._rows.T

    def decode(self, z: ArrayLike) -> Array:
        """Return V z."""
        return np.asarray(z, dtype=np.float64) @ self._rows


class Grid:
    """Multilinear interpolation from a coarser grid; functions vanish on the boundary.

    Parameters
    ----------
    coarse, fine
        Interior points along each axis of either grid; the last axis varies fastest.
    """

    def __init__(self, coarse: Sequence[int], fine: Sequence[int]) -> None:
        if len(coarse) != len(fine) or any(c > f for c, f in zip(coarse, fine, strict=True)):
            raise UsageError(f"coarse={tuple(coarse)}: give as many or fewer points than {fine}")
        self._coarse, self._fine = tuple(coarse), tuple(fine)
        self._up = [_hats(c, f) for c, f in zip(coarse, fine, strict=True)]
        self._down = [np.linalg.pinv(P) for P in self._up]
        self.modes, self.size = int(np.prod(coarse)), int(np.prod(fine))

    def encode(self, x: ArrayLike) -> Array:
        """Coordinates whose interpolation is nearest to x in the 2-norm."""
        return _along_axes(self._down, np.asarray(x, dtype=np.float64), self._fine)

    def decode(self, z: ArrayLike) -> Array:
        """Interpolate."""
        return _along_axes(self._up, np.asarray(z, dtype=np.float64), self._coarse)


def _wave_numbers(n: int) -> NDArray[np.int64]:
    return np.arange(1, n + 1)


def _hats(coarse: int, fine: int) -> Array:
    """Values (fine, coarse) of the coarse grid's hat functions at the fine grid's points."""
    nodes = np.arange(1, coarse + 1) / (coarse + 1)
    points = np.arange(1, fine + 1) / (fine + 1)
    return np.maximum(0.0, 1.0 - np.abs(points[:, None] - nodes) * (coarse + 1))


def _along_axes(matrices: Sequence[Array], x: Array, shape: tuple[int, ...]) -> Array:
    """Apply one matrix along each axis of the grid in the last axis of x."""
    grid = x.reshape(*x.shape[:-1], *shape)
    for axis, P in enumerate(matrices, start=-len(shape)):
        grid = np.moveaxis(np.moveaxis(grid, axis, -1) @ P.T, -1, axis)
    return grid.reshape(*x.shape[:-1], -1)
