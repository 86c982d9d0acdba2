"""What solves took beside what the program's own settings would have: sums, and their error."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

LEAST_PAIRS = 3  #: below, nothing is said of how wrong expectations are
#: Student's t, 95 %, of 1 to 9 degrees of freedom; beyond, 1.96 + 2.4 / degrees is near enough.
_STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)


@dataclass(slots=True)
class Totals:
    """Sums over solves.

    Parameters
    ----------
    solves, measured
        How many there are, and how many of them own settings solved in the end.
    own
        Seconds that own settings took, where they solved.
    expected, squares
        Seconds that they were expected to take, where they did not; and the sum of their squares.
    taken
        Seconds of all these solves, everything included.
    unknown, unknown_taken
        Solves of which neither is known, and their seconds: they are in no other sum.
    """

    solves: int = 0
    measured: int = 0
    own: float = 0.0
    expected: float = 0.0
    squares: float = 0.0
    taken: float = 0.0
    unknown: int = 0
    unknown_taken: float = 0.0

    def add(self, own: float | None, expected: float | None, taken: float) -> None:
        """Add a solve; `own` comes before `expected`."""
        self.solves += 1
        if own is not None:
            self.measured += 1
            self.own += own
        elif expected is not None:
            self.expected += expected
            self.squares += expected * expected
        else:
            self.unknown += 1
            self.unknown_taken += taken
            return
        self.taken += taken

    def merge(self, other: Totals) -> None:
        """Add the solves of others."""
        self.solves += other.solves
        self.measured += other.measured
        self.own += other.own
        self.expected += other.expected
        self.squares += other.squares
        self.taken += other.taken
        self.unknown += other.unknown
        self.unknown_taken += other.unknown_taken

    def own_seconds(self, factor: float) -> float:
        """Seconds of own settings, where they take `factor` times what is expected of them."""
        return self.own + factor * self.expected

    def saved(self, factor: float) -> float:
        """Seconds that were saved, likewise; negative: lost."""
        return self.own_seconds(factor) - self.taken

    def document(self, factor: float) -> dict[str, float]:
        """All of it for JSON."""
        return {
            "solves": self.solves,
            "own seconds": self.own_seconds(factor),
            "taken seconds": self.taken,
            "saved seconds": self.saved(factor),
        }


@dataclass
class Pairs:
    """Solves of which both is known: what own settings were expected to take, and took.

    With the ratio of the sums, `factor`, expectations are made right on average: they are what the
    program goes by, and were seen to be wrong by a common factor of two. It is the ratio estimator
    of survey sampling (Cochran, Sampling Techniques, 1977, chapter 6), and so is its error.

    Parameters
    ----------
    n
        How many there are.
    took, expected, squares
        Sums of both, and of took², took expected and expected².
    """

    n: int = 0
    took: float = 0.0
    expected: float = 0.0
    squares: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])

    def add(self, took: float, expected: float) -> None:
        """Add a solve."""
        self.n += 1
        self.took += took
        self.expected += expected
        self.squares[0] += took * took
        self.squares[1] += took * expected
        self.squares[2] += expected * expected

    def merge(self, other: Pairs) -> None:
        """Add others."""
        self.n += other.n
        self.took += other.took
        self.expected += other.expected
        self.squares = [a + b for a, b in zip(self.squares, other.squares, strict=True)]

    @property
    def enough(self) -> bool:
        """Whether they say something."""
        return self.n >= LEAST_PAIRS and self.expected > 0

    @property
    def factor(self) -> float:
        """What own settings take, as a multiple of what is expected; 1 if there are too few."""
        return self.took / self.expected if self.enough else 1.0

    def interval(self, totals: Totals) -> tuple[float, float] | None:
        """Interval in which the seconds saved are 9 times of 10; None if too few say so.

        What own settings would have taken is wrong by the error of the factor, which all solves
        have in common, and by that of each solve. Student's t of 19 times of 20 is taken, because
        few solves with a long tail hold less than they promise.
        """
        if not self.enough:
            return None
        r, (tt, tx, xx) = self.factor, self.squares
        apart = max(tt - 2 * r * tx + r * r * xx, 0.0) / (self.n - 1)
        common = self.n * (totals.expected / self.expected) ** 2
        degrees = self.n - 1
        t = _STUDENT[degrees - 1] if degrees <= len(_STUDENT) else 1.96 + 2.4 / degrees
        half = t * math.sqrt(apart * (common + totals.squares * self.n / xx))
        saved = totals.saved(r)
        return max(saved - half, totals.saved(0.0)), saved + half


@dataclass
class Run:
    """One run of a program.

    Parameters
    ----------
    program, host, ranks, state
        As its head says; `state` is the id of what it began with.
    begin, end
        Moments of `PetscInitialize` and of its last line; begin 0: its head is not there.
    canary
        Share of its solves that own settings were asked to solve as well.
    totals
        Of its solves.
    """

    program: str = "?"
    host: str = "?"
    ranks: int = 0
    state: str = ""
    begin: float = 0.0
    end: float = 0.0
    canary: float = 0.0
    totals: Totals = field(default_factory=Totals)

    @property
    def seconds(self) -> float:
        """From its begin to its last line."""
        return max(self.end - self.begin, 0.0) if self.begin else 0.0

    def merge(self, other: Run) -> None:
        """Add what another journal says of the same run."""
        if not self.begin:
            self.program, self.host, self.ranks = other.program, other.host, other.ranks
            self.state, self.begin, self.canary = other.state, other.begin, other.canary
        self.end = max(self.end, other.end)

    def document(self, factor: float) -> dict[str, Any]:
        """All of it for JSON."""
        return {
            "program": self.program,
            "host": self.host,
            "ranks": self.ranks,
            "begin": self.begin or None,
            "seconds": self.seconds,
            "state before": self.state,
            **self.totals.document(factor),
        }


@dataclass
class State:
    """What a run has left last, as its journal says.

    Parameters
    ----------
    name
        Of the program.
    id, time
        Of the state, and when it was written; id empty: it never was.
    file
        Id of the state that lies beside the journal now; None: there is none.
    gone
        Whether it lay there, and does not any more.
    """

    name: str
    id: str = ""
    time: float = 0.0
    file: str | None = None
    gone: bool = False
