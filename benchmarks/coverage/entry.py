"""What an entry of the catalogue is: a real program in one configuration, and how it is read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Step = Callable[[Path], None]
"""Makes something in the folder where the program is built, from what packages have installed."""


@dataclass(frozen=True)
class Reading:
    """Numbers that a program prints.

    Attributes
    ----------
    pattern : its groups are the numbers; every match counts, in order.
    tolerance : how much each may differ, relative to the largest of them; 0 for counts.
    error : they are errors that the program measured, which may become smaller.
    """

    pattern: str
    tolerance: float = 0.0
    error: bool = False

    def of(self, output: str) -> list[float]:
        """Return the numbers in an output."""
        found = re.findall(self.pattern, output, re.MULTILINE)
        return [_number(text) for each in found for text in _groups(each)]

    def kept(self, plain: str, other: str) -> bool:
        """Whether an output has numbers, and those of the plain one."""
        expected, found = self.of(plain), self.of(other)
        if not expected or len(expected) != len(found):
            return False
        room = self.tolerance * max(map(abs, expected))
        pairs = zip(expected, found, strict=True)
        return all(
            x == y or abs(x - y) <= room or (self.error and abs(y) < abs(x)) for x, y in pairs
        )


@dataclass(frozen=True)
class Trained:
    """The model is learned from what was recorded, with so many calls."""

    calls: int = 80
    most_systems: int = 24


@dataclass(frozen=True)
class Pinned:
    """The model is a sensible constant: one run of the program is too long to learn from."""

    settings: str


@dataclass(frozen=True)
class Entry:
    """A real program in one configuration.

    Attributes
    ----------
    name : unique, and what ``--only`` looks for.
    program, configuration : as the table says them.
    packages : of Debian, which bring it.
    steps : what is made of them in the folder of the entry, in order.
    command : words; ``{python}`` is the system's Python, ``{here}`` the folder of the entry,
        ``{observed}`` the script that tells values of a Python program.
    answer : what must be the same within a tolerance.
    counts : what must be the same exactly, such as Newton steps; may be none.
    model : how a model is made.
    ranks : numbers of ranks that the program can run on.
    limit : seconds that a run may take.
    environment : variables that the program needs.
    needs : commands without which the entry is skipped.
    """

    name: str
    program: str
    configuration: str
    packages: tuple[str, ...]
    steps: tuple[Step, ...]
    command: tuple[str, ...]
    answer: tuple[Reading, ...]
    counts: tuple[Reading, ...] = ()
    model: Trained | Pinned = Trained()
    ranks: tuple[int, ...] = (1, 2)
    limit: float = 120.0
    environment: tuple[tuple[str, str], ...] = ()
    needs: tuple[str, ...] = ()

    def answered(self, plain: str, other: str) -> bool:
        """Whether another run gives the plain run's answer."""
        return all(each.kept(plain, other) for each in self.answer)

    def counted(self, plain: str, other: str) -> bool | None:
        """Whether another run has the plain run's counts; None where there are none."""
        return all(each.kept(plain, other) for each in self.counts) if self.counts else None


def chosen(entries: Sequence[Entry], only: Sequence[str]) -> list[Entry]:
    """Return the entries whose names contain one of the texts; all where there is none."""
    return [each for each in entries if not only or any(text in each.name for text in only)]


def _groups(found: str | tuple[str, ...]) -> tuple[str, ...]:
    return (found,) if isinstance(found, str) else found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
