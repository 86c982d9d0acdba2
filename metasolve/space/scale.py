"""Scales: how a bounded range maps to the unit interval, affinely or in the logarithm."""

from __future__ import annotations

import math

from metasolve.errors import SpaceError, did_you_mean

SCALES = ("linear", "log")


def check_range(name: str, low: float, high: float, scale: str) -> None:
    """Raise `SpaceError` unless [low, high] is a range that `scale` can map."""
    if scale not in SCALES:
        raise SpaceError(f"{name}: scale={scale!r} is unknown; {did_you_mean(scale, SCALES)}")
    if not (low < high and math.isfinite(high - low)):
        raise SpaceError(f"{name}: low={low!r} is not below high={high!r}; swap or widen them")
    if scale == "log" and low <= 0:
        raise SpaceError(f"{name}: low={low!r} is not positive; use scale='linear' or raise it")


def from_unit(t: float, low: float, high: float, scale: str) -> float:
    """Point at fraction `t` in [0, 1] of the range; exactly a bound at 0 and at 1."""
    if t <= 0.0:
        return low
    if t >= 1.0:
        return high
    if scale == "log":
        return math.exp(math.log(low) + t * (math.log(high) - math.log(low)))
    return low + t * (high - low)


def to_unit(value: float, low: float, high: float, scale: str) -> float:
    """Fraction of the range at which `value` lies, clamped to [0, 1]; inverse of `from_unit`."""
    if value <= low:
        return 0.0
    if value >= high:
        return 1.0
    if scale == "log":
        return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return (value - low) / (high - low)
