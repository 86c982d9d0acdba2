"""How the residual norm of a solve fell, at a few iterations, and what that foretells.

What a solve will take is hard to foresee from its matrix, and easier from its first iterations.
`petsc/plugin/watch.c` foresees the same in production.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_OCTAVE = 4  # moments between which iterations double


def moment(number: int) -> int:
    """Iteration of a moment: 2, 3, 3, 4, 4, 5, 6, 7, 8, 10, 12, 14, 16, ..."""
    return math.ceil(2.0 ** (1 + number / _OCTAVE) - 1e-9)


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
    """Iterations that still seem to be needed at a moment: infinite where there is no progress.

    The norm falls on as it fell since half of the iterations so far.

    Parameters
    ----------
    norms : a course, at least up to that moment.
    number : of the moment, at least 4.
    target : relative norm to reach.
    """
    before, now = norms[number - _OCTAVE], norms[number]
    if not 0.0 < now < before:
        return math.inf
    rate = math.log(before / now) / (moment(number) - moment(number - _OCTAVE))
    return math.log(now / target) / rate


def given_up(norms: Sequence[float], target: float, patience: float) -> int | None:
    """The iteration at which more than `patience` iterations seem to be left; None: never."""
    for number in range(_OCTAVE, len(norms)):
        if left(norms, number, target) > patience:
            return moment(number)
    return None
