"""Estimators: directional differences of the cost along tangents, to its gradient.

Throughout, V is (dim, k), its columns the tangents, and d (k,) the directional derivatives Vᵀ∇c or
their measured differences. All estimators are linear in d, which is what lets a surrogate act as
control variate.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


class Estimator(Protocol):
    """Maps tangents V (dim, k) and differences d (k,), linearly, to a gradient (dim,)."""

    def __call__(self, V: Matrix, d: Vector) -> Vector:
        """Estimate the gradient."""
        ...


def mean(V: Matrix, d: Vector) -> Vector:
    """Mean of the one-tangent estimates, (1/k) V d.

    Unbiased on the active coordinates for tangents with E v vᵀ = I. Relative mean squared error
    (n - 1)/k for Rademacher tangents in n dimensions (Flügel et al., arXiv 2410.17764).
    """
    return V @ d / max(V.shape[1], 1)


def projected(
    V: Matrix, d: Vector, unbiased: bool = False, active: NDArray[np.bool_] | None = None
) -> Vector:
    """Orthogonal projection of the gradient on the span of the tangents, V (VᵀV)⁺ d.

    Exact when the tangents span all active coordinates; tangents that repeat are harmless
    (Flügel et al., arXiv 2410.17764).

    Parameters
    ----------
    unbiased
        Scale by n / rank(V), which makes the expectation the gradient and the error larger:
        relative mean squared error n/k - 1 instead of 1 - k/n.
    active
        Mask (dim,) of the n coordinates that tangents can reach; all when None.
    """
    if V.shape[1] == 0:
        return np.zeros(V.shape[0])
    solution, _, rank, _ = np.linalg.lstsq(V.T, d, rcond=None)
    if not unbiased or rank == 0:
        return solution
    n = V.shape[0] if active is None else int(np.sum(active))
    return solution * (n / rank)


def control_variate(
    estimate: Estimator, V: Matrix, d: Vector, surrogate_gradient: Vector
) -> Vector:
    """Correct a surrogate's gradient ∇ĉ by what was measured: g(V, d) - g(V, Vᵀ∇ĉ) + ∇ĉ.

    With :func:`projected` this is P∇c + (I - P)∇ĉ; with :func:`mean` it is unbiased whatever the
    surrogate, with variance proportional to ‖∇c - ∇ĉ‖² (Arisaka & Li, arXiv 2405.02952).

    Parameters
    ----------
    estimate
        :func:`mean`, :func:`projected` or any other linear estimator.
    surrogate_gradient
        ∇ĉ (dim,) at the same point.
    """
    # Written with one call, by linearity: exactly the surrogate's gradient where that is exact.
    return estimate(V, d - V.T @ surrogate_gradient) + surrogate_gradient


def clip_differences(d: Vector, scale: float | Vector) -> Vector:
    """Clamp differences to [-scale, scale]; NaN, which says nothing, becomes 0.

    Parameters
    ----------
    scale
        Largest believable difference, for all or for each (k,).
    """
    d = np.asarray(d, dtype=np.float64)
    return np.where(np.isnan(d), 0.0, np.clip(d, -np.asarray(scale), scale))
