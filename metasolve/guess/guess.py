"""`Guess`: an initial guess x0 for A x = b, used only where it is better than zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from metasolve.guess.codec import Codec
from metasolve.guess.correction import Correction
from metasolve.guess.predictor import Predictor

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Start:
    """Where a solve starts: x0, None for zero, and ‖b - A x0‖₂ / ‖b‖₂ there."""

    x0: Array | None
    residual: float


@dataclass(frozen=True)
class Guess:
    """Codec, predictor and correction: any of the last two may be missing, not both.

    Attributes
    ----------
    codec : in whose coordinates the guess is made.
    predictor : features to coordinates; without one, coordinates start from 0.
    correction : improves them by the system itself.
    sees : what the predictor is given. ``"features"``: those of the instance. ``"rhs"``: the
        coordinates of b / ‖b‖₂, what it predicts being multiplied by ‖b‖₂; right for families in
        which only b varies. ``"diagonal"``: log |a_ii| (size,), a field on a structured grid.
    """

    codec: Codec
    predictor: Predictor | None = None
    correction: Correction | None = None
    sees: Literal["features", "rhs", "diagonal"] = "features"

    def __call__(self, A: sp.csr_matrix, b: Array, features: ArrayLike) -> Start:
        """Guess x0; zero where ‖b - A x0‖₂ would not be below ‖b‖₂, that of a zero guess."""
        return start(A, b, self.codec.decode(self.coordinates(A, b, features)))

    def coordinates(self, A: sp.csr_matrix, b: Array, features: ArrayLike) -> Array:
        """Coordinates z (modes,) of the guess, good or bad."""
        z = np.zeros(self.codec.modes)
        if self.predictor is not None:
            given, scale = self.given(A, b, features)
            z = scale * self.predictor(given)
        return z if self.correction is None else self.correction(A, b, z)

    def given(self, A: sp.csr_matrix, b: Array, features: ArrayLike) -> tuple[Array, float]:
        """What the predictor sees, and the factor on what it predicts."""
        if self.sees == "features":
            return np.asarray(features, dtype=np.float64), 1.0
        if self.sees == "diagonal":
            return np.log(np.maximum(np.abs(A.diagonal()), np.finfo(float).tiny)), 1.0
        norm = float(np.linalg.norm(b)) or 1.0
        return self.codec.encode(b) / norm, norm


def start(A: sp.csr_matrix, b: Array, x0: Array) -> Start:
    """Where a solve starts that is given x0: zero where ‖b - A x0‖₂ is not below ‖b‖₂."""
    residual = relative_residual(A, b, x0)
    return Start(x0, residual) if residual < 1.0 else Start(None, 1.0)


def relative_residual(A: sp.csr_matrix, b: Array, x: Array) -> float:
    """‖b - A x‖₂ / ‖b‖₂; NaN for a zero b, for which no guess is better than zero."""
    norm = float(np.linalg.norm(b))
    return float(np.linalg.norm(b - A @ x)) / norm if norm > 0 else float("nan")
