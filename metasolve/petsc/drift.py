"""How far recorded operators move from one to the next: what the plug-in's ``change.c`` sees."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metasolve.petsc.binary import counted, matrix_rows
from metasolve.petsc.recorded_solve import Operator, RecordedSolve
from metasolve.solve.instance import Drift

Array = NDArray[Any]
ROWS, ENTRIES = 256, 64  #: of an operator at least, and of a row
SHARE = 16  #: of the rows, one is looked at: a front is few of many
FURTHEST = 3.0  #: that the logarithm of an entry may move
_GOLDEN = 0.6180339887498949
_PAIRS = 16  # of a sequence, spread evenly: matrices may be large, and sequences long


def drifts(solves: Sequence[RecordedSolve]) -> list[Drift | None]:
    """Return for each solve how the operator of its KSP changes; None where it stays.

    Raises
    ------
    RecordingError
        If a file of the recording is missing or torn.
    """
    places: dict[Hashable, list[int]] = {}
    for number, solve in enumerate(solves):
        place = (solve.run, solve.prefix, solve.operator.layout)
        places.setdefault(place, []).append(number)
    found: list[Drift | None] = [None] * len(solves)
    for numbers in places.values():
        drift = _drift([solves[number].operator for number in numbers])
        for number in numbers:
            found[number] = drift
    return found


def _drift(operators: Sequence[Operator]) -> Drift | None:
    each = [next(same) for _, same in groupby(operators, key=lambda o: (o.hash, o.state))]
    if len(each) < 2:
        return None
    pairs = list(pairwise(each))
    looked = pairs[:: -(-len(pairs) // _PAIRS)]
    moved = [Sample.of(a).change(Sample.of(b)) if a.hash != b.hash else 0.0 for a, b in looked]
    return Drift(float(np.mean(moved)), len(each))


@dataclass(frozen=True)
class Sample:
    """Some rows of an operator, spread evenly.

    Attributes
    ----------
    rows, diagonal, lengths : (n,) which, their entries on the diagonal, and how many of each are
        kept.
    columns, values : of the entries that are kept, row after row.
    """

    rows: Array
    diagonal: Array
    lengths: Array
    columns: Array
    values: Array

    @classmethod
    def of(cls, operator: Operator) -> Sample:
        """Read the rows that the plug-in looks at."""
        most = min(operator.rows, max(ROWS, operator.rows // SHARE))
        at = (np.arange(most) + 1.0) * _GOLDEN % 1.0
        rows = np.minimum((at * operator.rows).astype(np.int64), operator.rows - 1)
        if operator.rows <= most:
            rows = np.arange(operator.rows)
        lengths, columns, values = matrix_rows(operator.file, operator.rows, operator.nnz, rows)
        row = np.repeat(np.arange(len(rows)), lengths)
        on = columns == rows[row]
        diagonal = np.zeros(len(rows), values.dtype)
        diagonal[row[on]] = values[on]
        first = counted(lengths) < ENTRIES
        return cls(rows, diagonal, np.minimum(lengths, ENTRIES), columns[first], values[first])

    def change(self, other: Sample) -> float:
        """How far it is from another one: 0 where that is only scaled; see ``change.h``."""
        alike = self._alike(other)
        missing = FURTHEST * float(np.mean(~alike))
        other = _over(other, _larger(other, self))
        then, now = self.only(alike), other.only(alike)
        row = then.places
        scale = np.sqrt(then.sizes() * now.sizes())[row]
        beside = (then.columns != then.rows[row]) & (scale > 0.0)
        weight = (np.abs(now.values) + np.abs(then.values))[beside] / scale[beside]
        there = ((now.diagonal != 0) | (then.diagonal != 0)).astype(float)
        share = min(float(weight.sum()) / (2.0 * max(len(then.rows), 1)), 1.0)
        first, within = _spread(_moved(now.diagonal, then.diagonal), there)
        second, spread = _spread(_moved(now.values, then.values)[beside], weight)
        if there.any() and weight.any():
            spread += share / (1.0 + share) * abs(first - second) ** 2
        return float(np.sqrt(within + spread + missing**2))

    @property
    def places(self) -> Array:
        """The row, by place, of each entry."""
        return np.repeat(np.arange(len(self.rows)), self.lengths)

    def _alike(self, other: Sample) -> Array:
        """Which rows (n,) have the same pattern."""
        alike: Array = self.lengths == other.lengths
        mine, its = self.only(alike), other.only(alike)
        apart = mine.places[mine.columns != its.columns]
        alike[np.flatnonzero(alike)[apart]] = False
        return alike

    def only(self, chosen: Array) -> Sample:
        """Those rows (n,) alone."""
        kept = np.repeat(chosen, self.lengths)
        rows = self.rows[chosen], self.diagonal[chosen], self.lengths[chosen]
        return Sample(*rows, self.columns[kept], self.values[kept])

    def sizes(self) -> Array:
        """What entries of each row are relative to: its diagonal, or all of it."""
        whole = np.bincount(self.places, np.abs(self.values), len(self.rows))
        return np.where(self.diagonal != 0, np.abs(self.diagonal), whole)


def _moved(now: Array, then: Array) -> Array:
    """Of logarithms of entries; complex ones may turn as well."""
    there = (now != 0) & (then != 0)
    ratio = np.where(there, now, 1.0) / np.where(there, then, 1.0)
    if not np.iscomplexobj(ratio):
        there &= ratio > 0.0
    told = np.log(np.where(there, ratio, 1.0))
    told = np.clip(told.real, -FURTHEST, FURTHEST) + (told - told.real)
    return np.where(there, told, np.where((now == 0) & (then == 0), 0.0, FURTHEST))


def _larger(one: Sample, other: Sample) -> float:
    """What the whole of it is larger by, about: of what is far from that only as much counts."""
    whole = float(np.abs(other.values).sum())
    by = float(np.abs(one.values).sum()) / whole if whole > 0.0 else 1.0
    return by if by > 0.0 and np.isfinite(by) else 1.0


def _over(sample: Sample, factor: float) -> Sample:
    return replace(sample, diagonal=sample.diagonal / factor, values=sample.values / factor)


def _spread(moved: Array, weight: Array) -> tuple[complex, float]:
    """Mean and variance of what has moved, by weight; 0 where nothing has any."""
    total = float(weight.sum())
    if total <= 0.0:
        return 0.0, 0.0
    mean = complex((weight * moved).sum() / total)
    squares = float((weight * np.abs(moved) ** 2).sum()) / total
    return mean, max(squares - abs(mean) ** 2, 0.0)
