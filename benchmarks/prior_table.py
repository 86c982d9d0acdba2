"""The corpus as arrays: what each choice costs relative to a program's own settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasolve.baselines.hand_rule import ROWS_FOR_LU, ROWS_FOR_MULTIGRID
from metasolve.prior import Candidate
from metasolve.prior.candidates import DEFAULT, is_saddle
from metasolve.prior.corpus import Row, Taken
from metasolve.prior.targets import inputs, succeeded, targets
from metasolve.solve.outcome import Reason

Array = NDArray[np.float64]
Ints = NDArray[np.int_]
Bools = NDArray[np.bool_]
#: What a program that factorises does where nobody chose, and where that fails: PETSc's own has no
#: pivots, and a saddle point needs them.
FACTORISES, PIVOTS = "lu-petsc", "lu-mumps"
#: A choice is stopped at so many times the own time; then the own settings solve.
STOPPED = 2.0
_SLOW = Reason.TIME_BUDGET.name
_LEAST = 1e-7


@dataclass(frozen=True)
class Table:
    """N systems, K candidates.

    Parameters
    ----------
    rows, names
        Systems; names of the candidates.
    X, Y
        Inputs (N, F) and outputs (N, K, 2) of a fit.
    L
        ln(cost of a choice / own time); 0 for the own settings and for what may not be chosen.
    usable, answers
        Whether a candidate may be chosen; whether it met the contract.
    own, hand
        Places of the own settings and of what the hand rule says.
    """

    rows: Sequence[Row]
    names: tuple[str, ...]
    X: Array
    Y: Array
    L: Array
    usable: Bools
    answers: Bools
    own: Ints
    hand: Ints

    def some(self, chosen: Bools) -> Table:
        """The table of some of the systems."""
        rows = [row for row, wanted in zip(self.rows, chosen, strict=True) if wanted]
        X, Y, L = self.X[chosen], self.Y[chosen], self.L[chosen]
        usable, answers = self.usable[chosen], self.answers[chosen]
        own, hand = self.own[chosen], self.hand[chosen]
        return Table(rows, self.names, X, Y, L, usable, answers, own, hand)

    @property
    def kinds(self) -> NDArray[np.str_]:
        """Of each system."""
        return np.array([row.kind for row in self.rows])

    @property
    def siblings(self) -> NDArray[np.str_]:
        """What is left out of a fit together."""
        return np.array([row.siblings for row in self.rows])

    @property
    def seconds(self) -> Array:
        """Own time of each system."""
        return np.array([own_seconds(row) for row in self.rows])


def comparable(row: Row) -> bool:
    """Whether the own settings solve a system, as far as their budget let them."""
    own = row.taken[_own(row)]
    return own.good or own.reason == _SLOW


def table(rows: Sequence[Row], candidates: Sequence[Candidate]) -> Table:
    """Arrays of the systems that own settings solve."""
    rows = [row for row in rows if comparable(row)]
    names = tuple(each.name for each in candidates)
    features = tuple(rows[0].features)
    usable = np.array([[each.suits(row.features) for each in candidates] for row in rows])
    return Table(
        rows,
        names,
        inputs(rows, features),
        targets(rows, candidates),
        np.array([_relative(row, names) for row in rows]),
        usable,
        np.array([succeeded(row, candidates) for row in rows]),
        np.array([names.index(_own(row)) for row in rows]),
        np.array([names.index(hand_rule(row)) for row in rows]),
    )


def own_seconds(row: Row) -> float:
    """What the own settings take; what they could use at least where that was not enough."""
    own = row.taken[_own(row)]
    return max(own.total if own.good or own.total else own.budget, _LEAST)


def hand_rule(row: Row) -> str:
    """:func:`metasolve.baselines.hand_rule.hand_rule` among the candidates."""
    unknowns = 10.0 ** row.features["log_rows"]
    if row.symmetric:
        return "cg+gamg" if unknowns > ROWS_FOR_MULTIGRID else "cg+icc0"
    return FACTORISES if unknowns <= ROWS_FOR_LU else "bcgs+ilu0"


def _own(row: Row) -> str:
    if not row.direct:
        return DEFAULT
    return PIVOTS if is_saddle(row.features) else FACTORISES


def _relative(row: Row, names: Sequence[str]) -> list[float]:
    own, seconds = _own(row), own_seconds(row)
    return [
        0.0 if name == own or name not in row.taken else _cost(row.taken[name], seconds)
        for name in names
    ]


def _cost(taken: Taken, own: float) -> float:
    if taken.good:
        cost = min(max(taken.total, _LEAST), (1.0 + STOPPED) * own)
    elif taken.reason == _SLOW:
        cost = (1.0 + STOPPED) * own
    else:
        cost = own + min(taken.total, STOPPED * own)
    return float(np.log(cost / own))
