"""What a fit aims at: log seconds of each candidate, in units of the system, and failures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metasolve.prior.candidates import DEFAULT, SADDLE, Candidate
from metasolve.prior.corpus import Row, Taken

Array = NDArray[np.float64]
TOTAL, SOLVE = 0, 1  #: places of the two outputs of a candidate
#: What failed costs so many times what PETSc's defaults take ...
FAILURE = 3.0
#: ... and nothing is further than this from the median of the system, in log.
CLIP = 4.0
LEVEL = 0.3  #: how much the time that all candidates need weighs in a split
BAD = 2.0  #: above the median by more than this is as bad as any
_LEAST = 1e-7  # seconds: what a clock can tell
#: Decimals of logarithms. Their last bits are not the same on all processors, and fits are to be.
_DECIMALS = 6


def inputs(rows: Sequence[Row], names: Sequence[str]) -> Array:
    """Features, a row per system."""
    return np.array([[row.features[name] for name in names] for row in rows], dtype=np.float64)


def seconds(row: Row, candidates: Sequence[Candidate]) -> Array:
    """Seconds in all and of the solve, with failures at what they cost; (K, 2)."""
    failed = FAILURE * _of_default(row)
    return np.array([_pair(row.taken.get(each.name), failed) for each in candidates])


def targets(rows: Sequence[Row], candidates: Sequence[Candidate]) -> Array:
    """ln(seconds / unit) in all and of the solve, clipped around their medians; (N, K, 2)."""
    return np.array([_clipped(row, candidates) for row in rows])


def guide(Y: Array, candidates: Sequence[Candidate]) -> Array:
    """What splits are to tell apart: how candidates compare, rather than how hard a system is.

    Those for saddle points do not count: all others fail or not there, which tells enough, and
    what they miss elsewhere would say nothing but what PETSc's defaults take.
    """
    Y = Y[:, [each.operators != SADDLE for each in candidates]]
    level = np.median(Y, axis=1, keepdims=True)
    told: Array = np.minimum(Y - level, BAD) + LEVEL * level
    return told


def succeeded(row: Row, candidates: Sequence[Candidate]) -> NDArray[np.bool_]:
    """Which candidates met the contract; (K,)."""
    return np.array([each.name in row.taken and row.taken[each.name].good for each in candidates])


def _of_default(row: Row) -> float:
    """Seconds of PETSc's defaults; what they could use where that was not enough."""
    default = row.taken[DEFAULT]
    return default.total if default.good else max(default.total, default.budget)


def _pair(taken: Taken | None, failed: float) -> tuple[float, float]:
    if taken is None:
        return failed, failed
    if taken.hung:  # it takes more than it was given, in its set-up
        return max(failed, taken.budget), failed
    if not taken.good:
        return max(failed, taken.total), max(failed, taken.solve)
    return max(taken.total, _LEAST), max(taken.solve, _LEAST)


def _clipped(row: Row, candidates: Sequence[Candidate]) -> Array:
    logs = np.round(np.log(seconds(row, candidates) / row.unit), _DECIMALS)
    good = succeeded(row, candidates)
    middle = np.median(logs[good] if good.any() else logs, axis=0)
    clipped: Array = np.clip(logs, middle - CLIP, middle + CLIP)
    return clipped
