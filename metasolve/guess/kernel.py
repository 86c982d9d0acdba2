"""`Kernel`: kernel ridge regression, for solutions that follow smoothly from a few numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
_WIDTHS = 4.0 ** np.arange(-3, 5)  # of the bells, in median distances: where the search begins
_PENALTIES = 10.0 ** np.arange(-12, -2, 2)
_STEPS = 4.0, 2.0, 1.3  # factors by which the search moves one feature's sharpness
_BETTER = 0.999  # of the error, for a move to count
Fitted = tuple[float, Array, Array, Array]
Fit = Callable[[Array], Fitted]


@dataclass(frozen=True)
class Kernel:
    """A `Predictor`: z(θ) = mean + Σ_i w_i exp(-Σ_k sharpness_k (θ_k - θ_ik)²).

    Attributes
    ----------
    centres : (instances, features), θ_i.
    weights : (instances, modes), w_i.
    mean : (modes,), far from all centres.
    sharpness : (features,), positive.
    left_out : (instances, modes), what each row is predicted to be by the others.
    """

    centres: Array
    weights: Array
    mean: Array
    sharpness: Array
    left_out: Array

    @classmethod
    def fit(cls, theta: ArrayLike, z: ArrayLike) -> Kernel:
        """Learn from rows; widths and penalty are those that predict rows left out best.

        One width for all features is sought on a grid, then one for each, feature by feature. Of
        a feature on which nothing depends the bells become wide.

        Errors of rows left out are α_i / (K + λI)⁻¹_ii, without fitting anew (leave-one-out of
        ridge regression; Allen, Technometrics 16, 1974).
        """
        theta, z = (np.asarray(each, dtype=np.float64) for each in (theta, z))
        apart = (theta[:, None, :] - theta[None, :, :]) ** 2
        total = apart.sum(axis=-1)
        typical = float(np.median(total[total > 0])) if (total > 0).any() else 1.0
        mean = z.mean(axis=0)

        def fit(sharpness: Array) -> Fitted:
            return *_ridge(np.exp(-(apart @ sharpness)), z - mean), sharpness

        isotropic = (1.0 / (2.0 * width * typical) for width in _WIDTHS)
        best = min((fit(np.full(theta.shape[1], s)) for s in isotropic), key=lambda each: each[0])
        for step in _STEPS:
            best = _moved(fit, best, step)
        _, weights, missed, sharpness = best
        return cls(theta, weights, mean, sharpness, z - missed)

    def __call__(self, features: ArrayLike) -> Array:
        """Predict."""
        theta = np.asarray(features, dtype=np.float64)
        apart = (theta[..., None, :] - self.centres) ** 2
        value: Array = np.exp(-(apart @ self.sharpness)) @ self.weights + self.mean
        return value


def _moved(fit: Fit, best: Fitted, step: float) -> Fitted:
    """The best fit that moves of one feature's sharpness at a time, by a factor, lead to."""
    moved = True
    while moved:
        moved = False
        for feature in range(len(best[3])):
            for factor in (step, 1.0 / step):
                sharpness = best[3].copy()
                sharpness[feature] *= factor
                found = fit(sharpness)
                if found[0] < _BETTER * best[0]:
                    best, moved = found, True
    return best


def _ridge(K: Array, z: Array) -> tuple[float, Array, Array]:
    """The best penalty's sum of squared errors of rows left out, weights, and these errors."""
    values, Q = np.linalg.eigh(K)
    best = np.inf, np.zeros_like(z), z
    for penalty in _PENALTIES:
        inverse = Q / (np.maximum(values, 0.0) + penalty)
        weights = inverse @ (Q.T @ z)
        missed = weights / (inverse * Q).sum(axis=1)[:, None]
        found = float((missed**2).sum())
        if found < best[0]:
            best = found, weights, missed
    return best
