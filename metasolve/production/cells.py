"""Solves of a journal that are alike, summed up: by run, hour, class, source and settings.

All tables of a report, and its drift, are made of these sums, so a line is looked at once.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import log
from typing import NamedTuple, TypeVar

from metasolve.production.totals import Totals

HOUR = 3600.0
TICK = 1e-9  #: seconds: the least that a journal tells apart
Name = TypeVar("Name")


class Key(NamedTuple):
    """What the solves of a cell have in common.

    Parameters
    ----------
    run, name
        Of the run, and of the class.
    source
        Who answered, as the report calls it.
    candidate
        Name of the settings that answered; empty: none with a name.
    fresh
        Whether the operator was a new one.
    hour
        Number of the hour in which it ended, since 1970.
    """

    run: str
    name: str
    source: str
    candidate: str
    fresh: bool
    hour: int


@dataclass(slots=True)
class Cell:
    """Sums over the solves of a cell.

    Parameters
    ----------
    totals
        Seconds.
    first
        Moment of its first solve.
    own, taken
        Sums of logarithms of seconds: of own settings where they were measured, of all solves.
    iterations, rows
        Sums of logarithms, of all solves.
    """

    totals: Totals = field(default_factory=Totals)
    first: float = math.inf
    own: float = 0.0
    taken: float = 0.0
    iterations: float = 0.0
    rows: float = 0.0

    def add(
        self,
        own: float | None,
        expected: float | None,
        taken: float,
        moment: float,
        rows: float,
        iterations: float,
    ) -> None:
        """Add the seconds of a solve, as `Totals.add` does; when it was, and how large."""
        self.totals.add(own, expected, taken)
        self.taken += log(taken + TICK)
        if own is not None:
            self.own += log(own + TICK)
        self.first = min(self.first, moment)
        self.rows += log(rows + 1.0)
        self.iterations += log(iterations + 1.0)

    def merge(self, other: Cell) -> None:
        """Add the solves of another cell."""
        self.totals.merge(other.totals)
        self.first = min(self.first, other.first)
        self.own += other.own
        self.taken += other.taken
        self.iterations += other.iterations
        self.rows += other.rows


Cells = Mapping[Key, Cell]


def summed(cells: Cells, by: Callable[[Key], Name]) -> dict[Name, Totals]:
    """Sums over the cells that `by` gives the same name to."""
    found: defaultdict[Name, Totals] = defaultdict(Totals)
    for key, cell in cells.items():
        found[by(key)].merge(cell.totals)
    return dict(found)


def day(hour: int) -> str:
    """Name the day of an hour, where this computer is: ``2026-11-29``."""
    return time.strftime("%Y-%m-%d", time.localtime(hour * HOUR))
