"""Estimators: directional differences of the cost along tangents, to its gradient.

Throughout, V is (..., dim, k), its columns the tangents, and d (..., k) the directional derivatives
Vᵀ∇c or their measured differences; leading axes are instances. All estimators but :func:`sign` are
linear in d, which is what lets a surrogate act as control variate.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


class Estimator(Protocol):
    """Maps tangents V (..., dim, k) and differences d (..., k) to a gradient (..., dim)."""

    def __call__(self, V: Matrix, d: Vector) -> Vector:
        """Estimate the gradient."""
        ...


def mean(V: Matrix, d: Vector) -> Vector:
    """Mean of the one-tangent estimates, (1/k) V d.

    Unbiased on the active coordinates for tangents with E v vᵀ = I. Relative mean squared error in
    n dimensions: (n - 1)/k for Rademacher tangents, (n + 1)/k for Gaussian ones (Flügel et al.,
    arXiv 2410.17764), n/k - 1 for orthogonal ones, where it is the unbiased projection.
    """
    return _times(V, d) / max(V.shape[-1], 1)


def projected(
    V: Matrix, d: Vector, unbiased: bool = False, active: NDArray[np.bool_] | None = None
) -> Vector:
    """Orthogonal projection of the gradient on the span of the tangents, V (VᵀV)⁺ d.

    Exact when the tangents span all active coordinates; tangents that repeat are harmless. For
    isotropic tangents the relative mean squared error is 1 - k/n and the expected cosine with the
    gradient E χ_k / E χ_n (Flügel et al., arXiv 2410.17764).

    Parameters
    ----------
    unbiased
        Scale by n / rank(V), which makes the expectation the gradient and the error larger:
        relative mean squared error n/k - 1 instead of 1 - k/n.
    active
        Mask (dim,) of the n coordinates that tangents can reach; all when None.
    """
    dim, k = V.shape[-2:]
    if dim * k == 0:
        return np.zeros(V.shape[:-1])
    Q, s, Wt = np.linalg.svd(V, full_matrices=False)
    kept = s > np.finfo(s.dtype).eps * max(dim, k) * s[..., :1]
    inverse = np.where(kept, 1.0 / np.where(kept, s, 1.0), 0.0)
    solution = _times(Q, inverse * _times(Wt, d))
    if not unbiased:
        return solution
    n = dim if active is None else int(np.sum(active))
    gradient: Vector = solution * (n / np.maximum(kept.sum(axis=-1, keepdims=True), 1))
    return gradient


def sign(V: Matrix, d: Vector) -> Vector:
    """Mean of the tangents, each with the sign of its difference: (1/k) V sign(d).

    One bit a probe and no outliers, but a direction only: its length says nothing. For one
    Rademacher tangent E vⱼ sign(vᵀ∇c) has the sign of the gradient's component j.
    """
    return mean(V, np.sign(d))


def control_variate(
    estimate: Estimator, V: Matrix, d: Vector, surrogate_gradient: Vector
) -> Vector:
    """Correct a surrogate's gradient ∇ĉ by what was measured: g(V, d) - g(V, Vᵀ∇ĉ) + ∇ĉ.

    With :func:`projected` this is P∇c + (I - P)∇ĉ, never further from ∇c than ∇ĉ is; with
    :func:`mean` it is unbiased whatever the surrogate, with the mean squared error of the mean of
    a = ∇c - ∇ĉ: (n - 1)‖a‖²/k for Rademacher tangents, (n + 1)‖a‖²/k for Gaussian ones
    (Arisaka & Li, arXiv 2405.02952).

    Parameters
    ----------
    estimate
        :func:`mean`, :func:`projected` or any other linear estimator.
    surrogate_gradient
        ∇ĉ (..., dim) at the same point. Any weight on the control variate is a factor on it: see
        :func:`optimal_weight`.
    """
    # Written with one call, by linearity: exactly the surrogate's gradient where that is exact.
    d_hat = slopes(V, surrogate_gradient)
    return estimate(V, d - d_hat) + surrogate_gradient


def slopes(V: Matrix, gradient: Vector) -> Vector:
    """Directional derivatives Vᵀ∇ĉ (..., k) of something whose gradient (..., dim) is known."""
    return _times(np.swapaxes(V, -1, -2), gradient)


def optimal_weight(d: ArrayLike, d_hat: ArrayLike) -> float:
    """Weight β on a surrogate's gradient that minimises ‖∇c - β∇ĉ‖², from differences of both.

    β = Σ d d̂ / Σ d̂², because for isotropic tangents E d d̂ = ∇c·∇ĉ and E d̂² = ‖∇ĉ‖². Zero, no
    control variate, where the surrogate is flat. Take it from earlier probes than it is used on:
    a weight that depends on the probe makes the estimate biased.
    """
    d, d_hat = np.asarray(d, dtype=np.float64), np.asarray(d_hat, dtype=np.float64)
    power = float(np.sum(d_hat**2))
    return float(np.sum(d * d_hat)) / power if power > 0 else 0.0


def clip_differences(d: Vector, scale: float | Vector) -> Vector:
    """Clamp differences to [-scale, scale]; NaN, which says nothing, becomes 0.

    Parameters
    ----------
    scale
        Largest believable difference, for all or for each (..., k): a number that is known, or
        :func:`believable`.
    """
    d = np.asarray(d, dtype=np.float64)
    return np.where(np.isnan(d), 0.0, np.clip(d, -np.asarray(scale), scale))


def believable(d: ArrayLike, times: float = 5.0) -> float:
    """Largest believable difference: `times` a robust standard deviation of those in d about 0.

    The robust standard deviation is 1.4826 median|d|, that of a normal distribution (Huber, Robust
    Statistics, 1981); up to half of the differences may be outliers. Infinite, clipping nothing,
    where more than half are zero, as on a staircase: there every slope looks like an outlier.
    """
    sizes = np.abs(np.asarray(d, dtype=np.float64))
    sizes = sizes[~np.isnan(sizes)]
    middle = float(np.median(sizes)) if sizes.size else 0.0
    return times * 1.4826 * middle if middle > 0 else float("inf")


def _times(A: Matrix, x: Vector) -> Vector:
    return (A @ x[..., None])[..., 0]
