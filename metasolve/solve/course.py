"""How the residual norm of a solve fell, at a few iterations, and what that foretells.

What a solve will take is hard to foresee from its matrix, and easier from its first iterations.
`petsc/plugin/watch.c` foresees the same in production.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_OCTAVE = 4  # moments between which iterations double
_FORESIGHT = 30  # times the iterations seen, the most that is foreseen


def moment(number: int) -> int:
    """Iteration of a moment: 2, 3, 3, 4, 4, 5, 6, 7, 8, 10, 12, 14, 16, ..."""
    return math.ceil(math.pow(2.0, 1 + number / _OCTAVE) - 1e-9)


def course(history: Sequence[float]) -> tuple[float, ...]:
    """Norms at all moments of a history, relative to the initial one.

    Parameters
    ----------
    history : residual norms, the initial one first.
    """
    if not history or not history[0] > 0.0:
        return ()
    count = 0
    while moment(count) < len(history):
        count += 1
    return tuple(history[moment(each)] / history[0] for each in range(count))


def left(norms: Sequence[float], number: int, target: float) -> float:
    """Iterations that still seem to be needed at a moment.

    The norm falls on as it fell since half of the iterations so far; but nobody sees farther than
    30 times as many as those.

    Parameters
    ----------
    norms : a course, at least up to that moment.
    number : of the moment, at least 4.
    target : relative norm to reach.
    """
    before, now, most = norms[number - _OCTAVE], norms[number], _FORESIGHT * moment(number)
    if not 0.0 < now < before:
        return float(most)
    rate = math.log(before / now) / (moment(number) - moment(number - _OCTAVE))
    return min(math.log(now / target) / rate, float(most))


def beyond(norms: Sequence[float], target: float, patience: float, start: int = 0) -> int | None:
    """The number of the first moment at which more than `patience` iterations seem to be left.

    Parameters
    ----------
    norms : a course.
    target : relative norm to reach.
    patience : iterations.
    start : of the moments, if the earlier ones do not count.

    Returns
    -------
    int or None
        None if that is never so.
    """
    moments = range(max(start, _OCTAVE), len(norms))
    return next((each for each in moments if left(norms, each, target) > patience), None)
