"""Verdict: what three differences along one setting say about the cost there."""

from __future__ import annotations

import enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metasolve.errors import UsageError
from metasolve.gradient.noise import Noise

_AGREEMENT = 0.25  # quotients of a smooth function differ by curvature and noise only
_SURE = 3.0  # standard errors


class Verdict(enum.Enum):
    """What the cost looks like at the step asked about; the text is advice."""

    SMOOTH = "smooth: differences agree from step to step; use this step"
    STAIRCASE = "staircase: differences are zero or a jump; smooth with a step of several treads"
    INSENSITIVE = "insensitive: nothing changes up to ten times the step; leave the setting alone"
    NOISY = "noisy: the change at this step drowns in the noise; take a longer step or repeat"
    UNKNOWN = "unknown: too curved or too noisy to tell; try another step"


def verdict(differences: ArrayLike, step: float, noise: Noise, negligible: float = 1e-9) -> Verdict:
    """Judge the differences at step/10, step and 10·step.

    A tread longer than ten steps looks like an insensitive setting: no finite number of values can
    tell them apart.

    Parameters
    ----------
    differences
        (3,) forward difference quotients, at step/10, step and 10·step.
    step
        ε, the one to be judged.
    noise
        Of single values, from :func:`ecnoise`; an undetected one is taken as none, so the verdict
        is then never ``NOISY``.
    negligible
        Change of the cost that nobody minds.

    Raises
    ------
    UsageError
        If there are not three differences.
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.shape != (3,):
        raise UsageError(f"{d.size} differences to judge: give 3, at step/10, step and 10·step")
    if not np.all(np.isfinite(d)):
        return Verdict.UNKNOWN
    steps = step * np.array([0.1, 1.0, 10.0])
    change = np.abs(d) * steps
    error = _SURE * np.sqrt(2.0) * (noise.level or 0.0)
    if np.all(change <= negligible):
        return Verdict.INSENSITIVE
    # Noise is never exactly zero, a tread always is.
    if np.any(change == 0.0) and change.max() > error:
        return Verdict.STAIRCASE
    if change[1] <= error:
        return Verdict.NOISY
    if _agree(d[1], d[2], error / steps[1]) or _agree(d[0], d[1], error / steps[0]):
        return Verdict.SMOOTH
    return Verdict.STAIRCASE if _jump(change, error) else Verdict.UNKNOWN


def _agree(one: float, other: float, error: float) -> bool:
    return abs(one - other) <= _AGREEMENT * max(abs(one), abs(other)) + error


def _jump(change: NDArray[np.float64], error: float) -> bool:
    """Whether a change stays the same over two steps, a decade apart: one edge, then flat."""
    return _agree(change[0], change[1], error) or _agree(change[1], change[2], error)
