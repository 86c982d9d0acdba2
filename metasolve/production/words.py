"""Words of a state's file, read one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from metasolve.errors import MetasolveError

LONGEST = 64  #: words are shorter
COUNT = 1 << 30  #: the largest


class StateError(MetasolveError):
    """A state is damaged, or of another version; or a journal does not lead to it."""


def shown(x: float) -> str:
    """Return a number as files have it, exactly."""
    return f"{x:.17g}"


@dataclass
class Words:
    """What is left of a file; all raise a `StateError` where there is something else.

    Parameters
    ----------
    rest
        The words.
    """

    rest: Iterator[str]

    def word(self) -> str:
        """Return the next one."""
        word = next(self.rest, "")
        if not 0 < len(word) < LONGEST:
            raise StateError(f"{word[:LONGEST]!r} in place of a word below {LONGEST} characters")
        return word

    def expect(self, word: str) -> None:
        """Go past this one."""
        found = self.word()
        if found != word:
            raise StateError(f"{found!r} in place of {word!r}")

    def count(self, low: int = 0, high: int = COUNT) -> int:
        """Return the next one, a whole number within bounds."""
        word = self.word()
        if not word.removeprefix("-").isdecimal() or not low <= int(word) <= high:
            raise StateError(f"{word!r} in place of a count from {low} to {high}")
        return int(word)

    def number(self) -> float:
        """Return the next one, a finite number."""
        word = self.word()
        try:
            x = float(word)
        except ValueError:
            x = math.nan
        if not math.isfinite(x):
            raise StateError(f"{word!r} in place of a number")
        return x
