"""Rules that others use: what they keep by, as functions of what happened since the build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from benchmarks.sequence_change import NONE, Change


@dataclass
class Cycle:
    """What happened since the build.

    Parameters
    ----------
    setup
        Seconds of the build.
    seconds, iterations
        Of each solve, the one right after the build first.
    change, moved
        Of the operator since the build, and since the solve before.
    """

    setup: float = 0.0
    seconds: list[float] = field(default_factory=list)
    iterations: list[float] = field(default_factory=list)
    change: Change = NONE
    moved: Change = NONE


Keeps = Callable[[Cycle], bool]


class Simple:
    """A rule that looks at the cycle only. Nothing but the table stops a solve.

    Parameters
    ----------
    keeps
        Whether the preconditioner serves once more.
    """

    def __init__(self, keeps: Keeps) -> None:
        self._keeps, self._cycle = keeps, Cycle()

    def patience(self, change: Change, moved: Change) -> float:
        """See `benchmarks.sequence_simulation.Rule`."""
        self._cycle.change, self._cycle.moved = change, moved
        return inf if self._keeps(self._cycle) else 0.0

    def built(self, setup: float, seconds: float, iterations: float) -> None:
        """Begin a cycle."""
        self._cycle = Cycle(setup, [seconds], [iterations])

    def kept(self, change: Change, seconds: float, iterations: float) -> None:
        """Add to the cycle."""
        self._cycle.change = change
        self._cycle.seconds.append(seconds)
        self._cycle.iterations.append(iterations)

    def stopped(self, change: Change, iterations: float) -> None:
        """Nothing is learned."""


def lag(every: float) -> Keeps:
    """So many solves for each build; 1 builds always."""
    return lambda cycle: len(cycle.seconds) < every


def iteration_ratio(times: float) -> Keeps:
    """Until a solve took more than so many times the iterations of the first."""
    return lambda cycle: cycle.iterations[-1] <= times * cycle.iterations[0]


def average_cost(cycle: Cycle) -> bool:
    """Until a solve took longer than the mean since the build, set-up included."""
    return cycle.seconds[-1] <= (cycle.setup + sum(cycle.seconds)) / len(cycle.seconds)


def log_diagonal(most: float) -> Keeps:
    """The same, and only while the logarithm of the diagonal has changed by at most so much."""
    return lambda cycle: cycle.change.diagonal <= most and average_cost(cycle)
