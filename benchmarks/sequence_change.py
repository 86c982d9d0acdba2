"""How far an operator has moved since a preconditioner was built for it: a sample of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.sequence_grid import Array, Grid
from benchmarks.sequence_kinds import OLDEST, System

ROWS = 256  #: of the sample, at least
SHARE = 16  #: of the rows, one is looked at
FURTHEST = 3.0  #: that the logarithm of an entry may move: entries vanish, and change their sign
_TINY = 1e-300


class Change(NamedTuple):
    """How far an operator has moved.

    Parameters
    ----------
    whole
        Whatever its scale: the root of the sum of two variances, of the logarithms of diagonal
        entries and of those beside it, each of the latter weighted with its size beside the
        diagonal, and of what the means of both differ by, squared. It sees what turns.
    diagonal
        Root mean square of the logarithms of the diagonal, scale included.
    """

    whole: float
    diagonal: float


NONE = Change(0.0, 0.0)


class Sample:
    """Rows of an operator as it was.

    Parameters
    ----------
    grid
        Of the operator.
    values
        Its entries.
    """

    def __init__(self, grid: Grid, values: Array) -> None:
        most = max(ROWS, grid.size // SHARE)
        rows = np.unique(np.linspace(0, grid.size - 1, most).astype(int))
        spans = [np.arange(grid.indptr[row], grid.indptr[row + 1]) for row in rows]
        self._places = np.concatenate(spans)
        row = np.repeat(np.arange(len(rows)), [len(span) for span in spans])
        self._at = grid.indices[self._places] == rows[row]
        self._row = row[~self._at]
        self._then = values[self._places]

    def change(self, values: Array) -> Change:
        """How far it has moved, its entries being these now."""
        now, then = values[self._places], self._then
        whole = np.abs(now).sum() / np.abs(then).sum()
        now, scaled = now / whole, float(np.log(whole))
        diagonal = _moved(now[self._at], then[self._at])
        scale = np.sqrt(np.abs(now[self._at] * then[self._at]))[self._row] + _TINY
        now, then = now[~self._at], then[~self._at]
        beside = _moved(now, then)
        weight = (np.abs(now) + np.abs(then)) / scale + _TINY
        middle = np.average(beside, weights=weight)
        spread = float(np.average((beside - middle) ** 2, weights=weight))
        share = min(float(weight.sum()) / (2.0 * len(diagonal)), 1.0)
        between = share / (1.0 + share) * (diagonal.mean() - middle) ** 2
        moved = float(np.sqrt(diagonal.var() + spread + between))
        return Change(moved, float(np.sqrt(((diagonal + scaled) ** 2).mean())))


def _moved(now: Array, then: Array) -> Array:
    """Of logarithms of entries."""
    there = now * then > 0.0
    ratio = np.where(there, np.abs(now) + _TINY, 1.0) / np.where(there, np.abs(then) + _TINY, 1.0)
    told: Array = np.where(there, np.clip(np.log(ratio), -FURTHEST, FURTHEST), FURTHEST)
    return told


def changes(systems: Sequence[System]) -> list[list[Change]]:
    """Of each system against those before it, the nearest first, as far as the mesh is theirs."""
    samples, found = list[Sample](), list[list[Change]]()
    for step, system in enumerate(systems):
        mine = list[Change]()
        for before in range(step - 1, max(step - 1 - OLDEST, -1), -1):
            if systems[before].grid is not system.grid:
                break
            mine.append(samples[before].change(system.values))
        samples.append(Sample(system.grid, system.values))
        found.append(mine)
    return found
