"""Which solves are reached: acted on, or left alone where paired runs show that nothing gains."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
GAIN = 1.1
"""Ratio of solves from which something gains."""
_NOT_ASSEMBLED = "the preconditioning matrix is no assembled"


@dataclass(frozen=True)
class Reach:
    """Solves of one way, with an assembled matrix.

    Attributes
    ----------
    acted : the answer is not that of the program's own settings.
    spared : left alone in cases where others were tried, and gained less than `GAIN` in all ways.
    missed : left alone in cases where a way gains as much.
    unknown : left alone in cases where nothing else was ever tried.
    """

    acted: int = 0
    spared: int = 0
    missed: int = 0
    unknown: int = 0

    @property
    def solves(self) -> int:
        """How many there are."""
        return self.acted + self.spared + self.missed + self.unknown

    @property
    def share(self) -> float:
        """Of those that are reached."""
        return (self.acted + self.spared) / self.solves

    def __add__(self, other: Reach) -> Reach:
        """Both."""
        return Reach(
            self.acted + other.acted,
            self.spared + other.spared,
            self.missed + other.missed,
            self.unknown + other.unknown,
        )


def of_case(row: Row, way: str) -> Reach:
    """Return the reach of one way in one case."""
    told = row["ways"][way]
    acted = told["acted on"]
    free = sum(count for why, count in told["why"].items() if _NOT_ASSEMBLED in why)
    left = told["solves"] - acted - free
    if any(statistics.median(ratios) >= GAIN for ratios in _ratios(row)):
        return Reach(acted, missed=left)
    return Reach(acted, spared=left) if _tried(row) else Reach(acted, unknown=left)


def lines_of(rows: Sequence[Row]) -> Iterator[str]:
    """Return a sentence for each way, over all cases that have it and no problem."""
    good = [row for row in rows if row.get("ways") and not row.get("problem")]
    for way in sorted({way for row in good for way in row["ways"]}):
        cases = [of_case(row, way) for row in good if way in row["ways"]]
        cases = [case for case in cases if case.solves]
        if cases:
            yield _sentence(way, sum(cases, Reach()), statistics.mean(x.share for x in cases))


def _sentence(way: str, all_: Reach, mean: float) -> str:
    return (
        f"{way}: of {all_.solves} solves with an assembled matrix {all_.acted} were acted on, "
        f"{all_.spared} left alone where nothing gains {GAIN:g} times, {all_.missed} where "
        f"something does, {all_.unknown} where nothing else was tried: {all_.share:.0%} are "
        f"reached, in a case {mean:.0%} on average."
    )


def _ratios(row: Row) -> Iterator[list[float]]:
    return (told["in solves"] for told in row["ways"].values() if told.get("in solves"))


def _tried(row: Row) -> bool:
    """Whether something else was: by a training, or by one of the ways."""
    return any(way == "learned" or told["acted on"] for way, told in row["ways"].items())
