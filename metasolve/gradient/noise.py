"""Noise of a computed function along a line, and the step of a difference that it implies.

:func:`ecnoise` looks at differences of higher and higher order of equally spaced values: those of
a smooth function die out, those of noise do not (Moré & Wild, Estimating computational noise, SIAM
Journal on Scientific Computing 33, 2011). It may not be able to tell, and then says so.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metasolve.errors import UsageError

_LARGEST_VARIATION = 0.1  # of the values, relative: beyond, they are not noise about one value
_CURVATURE_ABOVE_NOISE = 100.0  # τ₁ of Moré & Wild 2012


class Inform(enum.Enum):
    """What became of an estimate; the text is advice."""

    DETECTED = "noise detected"
    SPACING_TOO_SMALL = "half the values are equal: space the points more, 100 times say"
    SPACING_TOO_LARGE = "the function itself varies too much: space the points less, 1/100 say"


@dataclass(frozen=True)
class Noise:
    """Noise of a function along a line.

    Attributes
    ----------
    level : standard deviation of a value; None where it could not be told.
    inform : whether it could, and if not what to change.
    """

    level: float | None
    inform: Inform


def ecnoise(values: ArrayLike) -> Noise:
    """Estimate the noise from m >= 4 (better 7 or more) values at equally spaced points.

    The estimate from the differences of order j is σⱼ² = γⱼ mean (Δʲf)², γⱼ = (j!)²/(2j)!. The
    first of three that agree within a factor of four counts, if the differences of its order also
    change sign (Moré & Wild 2011, section 5).

    Raises
    ------
    UsageError
        If there are fewer than four values or not all are finite.
    """
    f = np.asarray(values, dtype=np.float64)
    if f.ndim != 1 or len(f) < 4 or not np.all(np.isfinite(f)):
        raise UsageError(f"{f.size} values to estimate noise from: give 4 or more, all finite")
    if np.ptp(f) > _LARGEST_VARIATION * np.max(np.abs(f)):
        return Noise(None, Inform.SPACING_TOO_LARGE)
    if np.count_nonzero(np.diff(f) == 0.0) >= len(f) / 2:
        return Noise(None, Inform.SPACING_TOO_SMALL)
    levels, changes = _levels(f)
    for j in range(len(levels) - 2):
        three = levels[j : j + 3]
        if three.max() <= 4.0 * three.min() and changes[j]:
            return Noise(float(levels[j]), Inform.DETECTED)
    return Noise(None, Inform.SPACING_TOO_LARGE)


def _levels(f: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Noise by order of difference, and whether the differences of that order change sign."""
    levels, changes, gamma = [], [], 1.0
    for j in range(1, len(f)):
        f = np.diff(f)
        gamma *= j / (2.0 * (2 * j - 1))
        levels.append(np.sqrt(gamma * np.mean(f**2)))
        changes.append(f.min() < 0.0 < f.max())
    return np.array(levels), np.array(changes)


def curvature(values: ArrayLike, spacing: float, noise: float) -> float | None:
    """|f″| from the widest three of an odd number of equally spaced values.

    None, "cannot tell", where their second difference is less than 100 times the noise (τ₁ in
    Moré & Wild, Estimating derivatives of noisy simulations, ACM TOMS 38, 2012) or zero.
    """
    f = np.asarray(values, dtype=np.float64)
    if len(f) % 2 == 0 or len(f) < 3:
        raise UsageError(f"{len(f)} values to take a curvature of: give an odd number, 3 or more")
    reach = spacing * (len(f) // 2)
    second = abs(float(f[-1] - 2.0 * f[len(f) // 2] + f[0]))
    if second <= _CURVATURE_ABOVE_NOISE * noise or second == 0.0:
        return None
    return second / reach**2


def forward_step(noise: float, second: float) -> float:
    """Step ε of a forward difference with the least error: 8^(1/4) sqrt(σ/|f″|).

    Minimises the mean square 2σ²/ε² + (ε f″/2)² (Moré & Wild 2012, with 8^(1/4) ≈ 1.68).
    """
    step: float = 8.0**0.25 * float(np.sqrt(noise / abs(second)))
    return step


def central_step(noise: float, third: float) -> float:
    """Step ε of a central difference with the least error: 3^(1/3) (σ/|f‴|)^(1/3).

    Minimises the mean square σ²/2ε² + (ε² f‴/6)² (Moré & Wild 2012, with 3^(1/3) ≈ 1.44).
    """
    return float(np.cbrt(3.0 * noise / abs(third)))
