"""``newton.bin``: where Newton's method starts, as the plug-in reads it (newton_guess.c).

Little-endian, 8 bytes each: a head of 6 numbers after 16 characters, the entries of F that are
looked at, how coordinates follow from them, the kernel regression from these to the solution's,
then the basis of solutions, mode by mode.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metasolve.guess.codec import Pod
from metasolve.guess.interpolation import EmpiricalInterpolation
from metasolve.guess.kernel import Kernel

Array = NDArray[np.float64]
_MAGIC = b"metasolve-newton"
_STRANGE = 0.01  # how far |theta| / |F| may be from 1, at least


@dataclass(frozen=True)
class NewtonGuess:
    """From F at the program's own start to a solution of F(x) = 0.

    Attributes
    ----------
    look : coordinates θ of F from a few of its entries.
    predict : θ to coordinates of the solution.
    basis : of solutions.
    strange : how far ‖θ‖₂ / ‖F‖₂ may be from 1: elsewhere F is not of the family.
    """

    look: EmpiricalInterpolation
    predict: Kernel
    basis: Pod
    strange: float

    @classmethod
    def fit(cls, F: ArrayLike, x: ArrayLike, entries: int, modes: int) -> NewtonGuess:
        """Learn from F at starts and solutions, one per row."""
        F, x = (np.asarray(each, dtype=np.float64) for each in (F, x))
        look, basis = EmpiricalInterpolation.fit(F, entries), Pod.fit(x, modes)
        theta = np.array([look(each) for each in F])
        off = np.abs(np.linalg.norm(theta, axis=1) / np.linalg.norm(F, axis=1) - 1.0)
        strange = max(_STRANGE, 2.0 * float(off.max()))
        return cls(look, Kernel.fit(theta, basis.encode(x)), basis, strange)

    def __call__(self, F: Array) -> Array | None:
        """Where to start (size,); None where F is not of the family."""
        theta = self.look(F)
        if abs(np.linalg.norm(theta) / np.linalg.norm(F) - 1.0) > self.strange:
            return None
        return self.basis.decode(self.predict(theta))

    def to_bytes(self) -> bytes:
        """Contents of the file."""
        count, modes = self.predict.weights.shape
        rows, entries = self.basis.size, len(self.look.entries)
        head = np.array([rows, modes, entries, count], "<i8").tobytes()
        numbers = [
            [self.predict.sharpness, self.strange],
            self.look.inverse.T,
            self.predict.mean,
            self.predict.centres,
            self.predict.weights,
            self.basis.decode(np.eye(modes)),
        ]
        first, *others = [np.ascontiguousarray(each, dtype="<f8").tobytes() for each in numbers]
        places = self.look.entries.astype("<i8").tobytes()
        return b"".join([_MAGIC, head, first, places, *others])
