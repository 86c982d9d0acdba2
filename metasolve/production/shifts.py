"""When a sequence of numbers has changed its level: Pettitt's test, and what it finds.

A. N. Pettitt, A non-parametric approach to the change-point problem, Applied Statistics 28 (1979).
It goes by ranks, so one busy machine or one long solve does not decide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple


class Shift(NamedTuple):
    """A change of level.

    Parameters
    ----------
    at
        Place of the first number behind it: where ranks before and behind differ most.
    chance
        How likely numbers without a change look so.
    apart
        Median behind it, less the median before.
    """

    at: int
    chance: float
    apart: float


def ranks(x: Sequence[float]) -> list[float]:
    """Ranks from 1 on; what is equal has the mean of its ranks."""
    order = sorted(range(len(x)), key=x.__getitem__)
    found = [0.0] * len(x)
    i = 0
    while i < len(order):
        j = i
        while j + 1 < len(order) and x[order[j + 1]] == x[order[i]]:
            j += 1
        for k in range(i, j + 1):
            found[order[k]] = (i + j) / 2 + 1
        i = j + 1
    return found


def shift(x: Sequence[float]) -> Shift | None:
    """Return the most likely change of level; None of fewer than two numbers."""
    n = len(x)
    if n < 2:
        return None
    total, most, best, at = 0.0, 0.0, -1.0, 1
    for i, rank in enumerate(ranks(x)[:-1], 1):
        total += rank
        u = abs(2 * total - i * (n + 1))
        most = max(most, u)
        apart = u * u / (i * (n - i))  # the test's own place is drawn to the middle
        if apart > best:
            best, at = apart, i
    chance = min(1.0, 2 * math.exp(-6 * most * most / (n**3 + n**2)))
    return Shift(at, chance, median(x[at:]) - median(x[:at]))


def sign_chance(n: int, above: int) -> float:
    """How likely it is that so many of `n` or more lie above a median (binomial)."""
    if n > 200:  # by the normal distribution
        return 0.5 * math.erfc((above - 0.5 - n / 2) / math.sqrt(n / 2))
    return sum(math.comb(n, k) for k in range(above, n + 1)) / 2.0**n
