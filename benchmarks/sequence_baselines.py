"""Rules that others use, or that know more than one can."""

from __future__ import annotations

from math import inf

from benchmarks.sequence_change import Change


class Lag:
    """Build every so many solves; 1 is always. Only the table stops a solve.

    Parameters
    ----------
    every
        Solves of a build.
    """

    def __init__(self, every: int) -> None:
        self._every, self._solves = every, 0

    def patience(self, change: Change, moved: Change) -> float:
        """Keep for so many solves."""
        return inf if self._solves < self._every else 0.0

    def built(self, setup: float, seconds: float, iterations: float) -> None:
        """Count from one."""
        self._solves = 1

    def kept(self, change: Change, seconds: float, iterations: float) -> None:
        """Count."""
        self._solves += 1

    def stopped(self, change: Change, iterations: float) -> None:
        """Nothing is learned."""


class IterationRatio:
    """Build after a solve that took so many times the iterations of the fresh one.

    Parameters
    ----------
    times
        How many.
    """

    def __init__(self, times: float) -> None:
        self._times, self._fresh, self._last = times, 1.0, 1.0

    def patience(self, change: Change, moved: Change) -> float:
        """Keep while the last one did not take too many."""
        return inf if self._last <= self._times * self._fresh else 0.0

    def built(self, setup: float, seconds: float, iterations: float) -> None:
        """Iterations to compare with."""
        self._fresh = self._last = iterations

    def kept(self, change: Change, seconds: float, iterations: float) -> None:
        """Iterations of the last solve."""
        self._last = iterations

    def stopped(self, change: Change, iterations: float) -> None:
        """Nothing is learned."""


class AverageCost:
    """Build after a solve that took longer than the mean since the build, set-up included."""

    def __init__(self) -> None:
        self._total, self._solves, self._last = 0.0, 1, 0.0

    def patience(self, change: Change, moved: Change) -> float:
        """Keep while the last one did not take longer than the mean."""
        return inf if self._last <= self._total / self._solves else 0.0

    def built(self, setup: float, seconds: float, iterations: float) -> None:
        """Begin a mean."""
        self._total, self._solves, self._last = setup + seconds, 1, seconds

    def kept(self, change: Change, seconds: float, iterations: float) -> None:
        """Add to the mean."""
        self._total, self._solves, self._last = self._total + seconds, self._solves + 1, seconds

    def stopped(self, change: Change, iterations: float) -> None:
        """Nothing is learned."""


class LogDiagonal(AverageCost):
    """The same, and before a solve where the diagonal has moved too far.

    Parameters
    ----------
    most
        Root mean square of the change of its logarithm.
    """

    def __init__(self, most: float) -> None:
        super().__init__()
        self._most = most

    def patience(self, change: Change, moved: Change) -> float:
        """Keep while both allow it."""
        return super().patience(change, moved) if change.diagonal <= self._most else 0.0
