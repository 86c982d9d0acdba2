"""Numbers of a favourite candidate, moved by what was found of them: whole steps, as C has them.

`numbers.c` of the plug-in does the same sums; see there for what they are about.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metasolve.production.words import COUNT, StateError, Words, shown

CHEAPER, UNCLEAR, DEARER, BACK = -1, 0, 1, 2  #: what may be found of a place
MOST = 4
FAR = 1000  #: steps that no number is away from where it began
_WORD = (1 << 64) - 1


@dataclass
class Number:
    """One number on its grid.

    Parameters
    ----------
    at, good, low, high
        Steps from the candidate's own value: where it is, where it was before the last move, and
        how far it may go.
    own, each
        The candidate's own value, and how far a step is.
    log
        Whether a step is a factor: 0 or 1.
    """

    at: int
    good: int
    low: int
    high: int
    own: float
    each: float
    log: int

    @property
    def value(self) -> float:
        """What it stands for."""
        if self.log:
            return float(round(self.own * self.each**self.at))
        return self.own + self.each * self.at


@dataclass
class Numbers:
    """The numbers of one candidate.

    Parameters
    ----------
    candidate
        Whose they are; empty: there are none.
    step, turn
        Findings so far; directions so far.
    side, gone
        1 along the direction, -1 against it; how often it was good to go there.
    failed
        Directions since the last good one.
    gain, last
        Of all moves and of the last one, in thousandths of the logarithm of what a solve takes.
    of
        The numbers by name.
    """

    candidate: str = ""
    step: int = 0
    turn: int = 0
    side: int = 0
    gone: int = 0
    failed: int = 0
    gain: int = 0
    last: int = 0
    of: dict[str, Number] = field(default_factory=dict)


def told(entry: Mapping[str, Any]) -> Numbers:
    """Return the numbers in a line of the journal: before what was found."""
    of = {name: Number(*numbers) for name, numbers in entry["of"].items()}
    step, turn, side, gone, failed, gain, last = entry["count"]
    return Numbers(entry["candidate"], step, turn, side, gone, failed, gain, last, of)


def learn(n: Numbers, operators: str, finding: int, gain: int) -> None:
    """Move the numbers.

    Parameters
    ----------
    operators
        Name of the class, from which directions are drawn.
    finding, gain
        What was found of the place beside theirs, or of theirs (`BACK`); thousandths.
    """
    to = place(n, operators, n.side)
    n.step += 1
    if finding == BACK:
        for each in n.of.values():
            each.at = each.good
        n.gain, n.last = n.gain - n.last, 0
        _turn(n, operators, False)
    elif finding == CHEAPER:
        for each, at in zip(n.of.values(), to, strict=True):
            each.good, each.at = each.at, at
        n.gain, n.last = n.gain + gain, gain
        n.failed, n.gone = 0, n.gone + 1
        if not _open(n, operators, n.side):
            _turn(n, operators, True)
    elif n.side > 0 and not n.gone and _open(n, operators, -1):
        n.side = -1
    else:
        _turn(n, operators, n.gone > 0)


def place(n: Numbers, operators: str, side: int) -> list[int]:
    """Return the place that is looked at next on one side, in steps."""
    drawn = _drawn(operators, n.turn)
    moves = [side if drawn >> i & 1 else -side for i in range(len(n.of))]
    pairs = zip(n.of.values(), moves, strict=True)
    return [min(max(each.at + move, each.low), each.high) for each, move in pairs]


def _drawn(operators: str, turn: int) -> int:
    """FNV-1a, then the finaliser of SplitMix64."""
    x = 0xCBF29CE484222325
    for byte in operators.encode():
        x = (x ^ byte) * 0x100000001B3 & _WORD
    x = x + 0x9E3779B97F4A7C15 * (turn + 1) & _WORD
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & _WORD
    x = (x ^ x >> 27) * 0x94D049BB133111EB & _WORD
    return x ^ x >> 31


def _open(n: Numbers, operators: str, side: int) -> bool:
    return place(n, operators, side) != [each.at for each in n.of.values()]


def _turn(n: Numbers, operators: str, good: bool) -> None:
    n.failed = 0 if good else n.failed + 1
    n.turn += 1
    n.gone = 0
    n.side = 1 if _open(n, operators, 1) else -1


def written(n: Numbers) -> list[str]:
    """Return the lines of a state's file."""
    if not n.of:
        return ["numbers 0"]
    return [
        f"numbers {len(n.of)}",
        f"{n.candidate} {n.step} {n.turn} {n.side} {n.gone} {n.failed} {n.gain} {n.last}",
        *(
            f"{name} {x.at} {x.good} {x.low} {x.high} {shown(x.own)} {shown(x.each)} {x.log}"
            for name, x in n.of.items()
        ),
    ]


def read(words: Words) -> Numbers:
    """Return what such lines say, or raise a `StateError`."""
    words.expect("numbers")
    found = Numbers()
    if not (many := words.count(0, MOST)):
        return found
    found.candidate = words.word()
    found.step, found.turn, found.side = words.count(), words.count(), words.count(-1, 1)
    found.gone, found.failed = words.count(), words.count()
    found.gain, found.last = words.count(-COUNT), words.count(-COUNT)
    for _ in range(many):
        name, at, good = words.word(), words.count(-FAR, FAR), words.count(-FAR, FAR)
        low, high = words.count(-FAR, min(at, good)), words.count(max(at, good), FAR)
        found.of[name] = Number(at, good, low, high, words.number(), words.number(), 0)
        found.of[name].log = words.count(0, 1)
        if low == high:
            raise StateError(f"{name}: a range of one place")
    return found


def described(n: Numbers) -> dict[str, Any]:
    """Return what `metasolve inspect` shows."""
    return {
        "of": n.candidate,
        "findings": n.step,
        "percent cheaper": 100 * (1 - math.exp(-n.gain / 1000)),
        **{name: f"{x.own:g} -> {x.value:g}" for name, x in n.of.items()},
    }
