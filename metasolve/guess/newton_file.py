"""``newton.bin``: where Newton's method starts, as the plug-in reads it (newton_guess.c).

Little-endian, 8 bytes each: 16 characters, a checksum of what follows, a head of 8 numbers, the
kernel regression from inputs to coordinates of the solution, then the basis of solutions, mode by
mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metasolve.guess.checksum import sealed
from metasolve.guess.codec import Pod
from metasolve.guess.kernel import Kernel
from metasolve.guess.resampling import resample

Array = NDArray[np.float64]
_MAGIC = b"metasolve-start3"
_TINY = np.finfo(float).tiny
_MOST, _MOST_ALONE = 20_000, 200_000  # points of the grid of the basis: grids vary, or do not


@dataclass(frozen=True)
class NewtonGuess:
    """From what varies between the runs of a program to a solution of F(x) = 0.

    Attributes
    ----------
    predict : inputs of the model to coordinates of the solution.
    basis : of solutions.
    shape : (z, y, x, components) of the grid on which the basis is; None where solutions are of no
        grid, but vectors of one length.
    error : median of ‖x − x_i‖₂ / ‖x_i‖₂ over solutions left out of the regression, on that grid.
    """

    predict: Kernel
    basis: Pod
    shape: tuple[int, int, int, int] | None
    error: float

    @classmethod
    def fit(cls, inputs: ArrayLike, solutions: Sequence[Array], modes: int) -> NewtonGuess:
        """Learn from one row of inputs per solution.

        Parameters
        ----------
        inputs : (runs, inputs).
        solutions : one per run, (z, y, x, components) on grids of their own; or (size,).
        modes : of the basis; fewer where solutions span fewer.
        """
        shape = _common([x.shape for x in solutions]) if solutions[0].ndim > 1 else None
        fields = [x if shape is None else resample(x, shape[:3]).ravel() for x in solutions]
        x, basis = np.array(fields), Pod.fit(fields, modes)
        predict = Kernel.fit(inputs, basis.encode(x))
        missed = np.linalg.norm(basis.decode(predict.left_out) - x, axis=1)
        error = float(np.median(missed / np.maximum(np.linalg.norm(x, axis=1), _TINY)))
        return cls(predict, basis, shape, error)

    def __call__(self, inputs: ArrayLike, points: Sequence[int] | None = None) -> Array:
        """Where to start, (size,); on the grid with these points (z, y, x) if there is a grid."""
        field = self.basis.decode(self.predict(inputs))
        if self.shape is None:
            return field
        return resample(field.reshape(self.shape), points or self.shape[:3]).ravel()

    def to_bytes(self) -> bytes:
        """Contents of the file."""
        count, modes = self.predict.weights.shape
        *points, components = self.shape or (0, 0, 0, 0)
        sizes = [self.basis.size, modes, self.predict.centres.shape[1], count]
        head = np.array([*sizes, *reversed(points), components], "<i8").tobytes()
        numbers = [
            self.predict.sharpness,
            self.predict.mean,
            self.predict.centres,
            self.predict.weights,
            self.basis.decode(np.eye(modes)),
        ]
        data = [np.ascontiguousarray(each, dtype="<f8").tobytes() for each in numbers]
        return sealed(_MAGIC, b"".join([head, *data]))


def _common(shapes: Sequence[tuple[int, ...]]) -> tuple[int, int, int, int]:
    """The grid of the basis: the finest along each axis, coarser where that would be too much."""
    finest = np.array(shapes).max(axis=0)
    most = _MOST if len(set(shapes)) > 1 else _MOST_ALONE
    points, axes = finest[:3], finest[:3] > 1
    share = min(1.0, (most / points.prod()) ** (1.0 / max(axes.sum(), 1)))
    fewer = np.maximum(np.round(points * share), np.minimum(points, 4)).astype(int)
    z, y, x, components = (int(n) for n in (*fewer, finest[3]))
    return z, y, x, components
