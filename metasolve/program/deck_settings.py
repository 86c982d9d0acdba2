"""Which variables of a program's input file look like settings of its solver, by their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from metasolve.errors import SpaceError
from metasolve.program.deck import DECKS
from metasolve.space import Integer, Real, Setting

#: What stops a solve, or is printed of it: neither varies nor may be set.
_NEITHER = re.compile(r"tol|eps|^max|max_?it|verb|debug|print|seed|output|log|iter")


def _relaxation(name: str, value: float) -> Setting | None:
    return Real(name, 0.2, 1.95, default=float(value)) if 0.2 <= value <= 1.95 else None


def _count(name: str, value: float) -> Setting | None:
    return Integer(name, 1, max(4, 3 * int(value)), default=int(value)) if value >= 1 else None


def _depth(name: str, value: float) -> Setting | None:
    return Integer(name, 0, max(4, 2 * int(value)), default=int(value)) if value >= 0 else None


def _length(name: str, value: float) -> Setting | None:
    low, high = max(2, int(value) // 4), 4 * int(value)
    return Integer(name, low, high, "log", default=int(value)) if value >= 2 else None


def _threshold(name: str, value: float) -> Setting | None:
    return Real(name, value / 10, value * 10, "log", default=float(value)) if value > 0 else None


_KNOWN: Sequence[tuple[re.Pattern[str], type, Callable[[str, float], Setting | None]]] = [
    (re.compile(r"omega|relax|damp"), float, _relaxation),
    (re.compile(r"sweep|smooth(?!er|ness)|^nu_?(?:pre|post|1|2)$"), int, _count),
    (re.compile(r"(?:^|_)(?:fill|overlap|lag)|ilu_?levels?"), int, _depth),
    (re.compile(r"restart|krylov"), int, _length),
    (re.compile(r"thresh|drop_?tol"), float, _threshold),
]


def settings(files: Sequence[tuple[Path, str | None]]) -> list[Setting]:
    """Settings of the solver among the variables of input files, with what they are now.

    Parameters
    ----------
    files
        And the format of each, see `deck.format_of`.
    """
    found: dict[str, Setting] = {}
    for name, value in _numbers(files).items():
        for pattern, kind, make in _KNOWN:
            if not pattern.search(name) or (kind is int and not isinstance(value, int)):
                continue
            try:
                made = make(name, value)
            except SpaceError:
                made = None
            if made is not None:
                found[name] = made
            break
    return list(found.values())


def may_vary(files: Sequence[tuple[Path, str | None]]) -> dict[str, float]:
    """Numbers that are no settings of the solver, and do not say when it stops."""
    mine = {each.name for each in settings(files)}
    left = _numbers(files)
    return {name: x for name, x in left.items() if name not in mine and not _NEITHER.search(name)}


def _numbers(files: Sequence[tuple[Path, str | None]]) -> Mapping[str, Any]:
    found = {
        name: value
        for path, kind in files
        if kind is not None
        for name, (_, value) in DECKS[kind].variables(path.read_text()).items()
    }
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
