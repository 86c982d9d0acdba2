"""What a contender of benchmark ``families`` took, and when it has paid for itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ZERO, AS_IS, GLOBAL, OURS = "default", "default, its own norm", "best global", "ours"
HAND, NEAREST = "hand rule", "nearest neighbours"
PREVIOUS, KSP_GUESSES = "previous solution", ("fischer", "pod")


@dataclass(frozen=True)
class Amounts:
    """How much is drawn and measured.

    Attributes
    ----------
    train, test : instances; those of the test are unseen.
    calls : solver calls of training; the search for a global setting has as many as it took, the
        guess included.
    repeats : solves of each test instance by each contender, more of short ones; medians count.
    """

    train: int = 96
    test: int = 24
    calls: int = 500
    repeats: int = 3


@dataclass(frozen=True)
class Score:
    """One contender on all test instances.

    Attributes
    ----------
    contender, what : its row of the table, and what it is.
    seconds : (instances,), guess, decision, set-up and solve, medians of the repeats.
    iterations : (instances,), whole ones.
    failed : (instances,), whether there was no answer within the tolerance.
    calls, training : solver calls and seconds until it was there.
    """

    contender: str
    what: str
    seconds: Sequence[float]
    iterations: Sequence[float]
    failed: Sequence[bool]
    calls: int = 0
    training: float = 0.0


def resolved(score: Score, zero: Score) -> NDArray[np.float64]:
    """Seconds (instances,), those of the default added where another contender failed."""
    again = np.zeros(len(zero.seconds)) if score.contender == ZERO else zero.seconds
    seconds: NDArray[np.float64] = np.asarray(score.seconds) + np.where(score.failed, again, 0.0)
    return seconds


def break_even(score: Score, zero: Score) -> float:
    """Solves after which what a contender saves has paid for getting it; infinite for never."""
    saved = float(np.mean(zero.seconds) - np.mean(resolved(score, zero)))
    return score.training / saved if saved > 0.0 else math.inf
