"""`Correction`: improves predicted coordinates by what the system at hand says."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from metasolve.guess.codec import Codec, basis

Array = NDArray[np.float64]


class Correction(Protocol):
    """Maps coordinates z to better ones for A x = b."""

    def __call__(self, A: sp.csr_matrix, b: Array, z: Array) -> Array:
        """Corrected coordinates; z is left as it is."""
        ...


class Galerkin:
    """Moves the first `modes` coordinates so that the residual is orthogonal to their span.

    For symmetric positive definite A this minimises the energy norm ‖x - A⁻¹b‖_A over the moves.
    Costs `modes` products with A and one (modes, size) by (size, modes) product, so `modes` is
    small: 8 to 48.

    Parameters
    ----------
    codec
        Whose coordinates.
    modes
        How many of them move; None moves all.
    """

    def __init__(self, codec: Codec, modes: int | None = None) -> None:
        self._codec = codec
        self._V = np.asfortranarray(basis(codec, modes))
        self.modes = self._V.shape[1]

    def __call__(self, A: sp.csr_matrix, b: Array, z: Array) -> Array:
        """Corrected coordinates; those predicted where the small system is singular."""
        r = b - A @ self._codec.decode(z) if np.any(z) else b
        return _moved(z, self._move(A @ self._V, r))

    def _move(self, W: Array, r: Array) -> Array | None:
        try:
            return np.linalg.solve(self._V.T @ W, self._V.T @ r)
        except np.linalg.LinAlgError:
            return None


class LeastSquares(Galerkin):
    """Moves the first `modes` coordinates so that ‖b - A x‖₂ is smallest; for any A."""

    def _move(self, W: Array, r: Array) -> Array | None:
        return np.linalg.lstsq(W, r, rcond=None)[0]


def _moved(z: Array, move: Array | None) -> Array:
    corrected = np.array(z, dtype=np.float64)
    if move is not None and np.all(np.isfinite(move)):
        corrected[: len(move)] += move
    return corrected
