"""Rules that keep or build, run on tables: what is not paid for is not seen."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Protocol

import numpy as np

from benchmarks.sequence_change import Change
from benchmarks.sequence_grid import Array
from benchmarks.sequence_table import Table
from metasolve.solve.reuse import Reuse


class Rule(Protocol):
    """Decides before each solve, and is told what solves took."""

    def patience(self, change: Change, moved: Change) -> float:
        """Seconds that a solve with the preconditioner there may take; 0 builds anew.

        Parameters
        ----------
        change, moved
            Of the operator since that was built, and since the solve before.
        """

    def built(self, setup: float, seconds: float, iterations: float) -> None:
        """See a build, and the solve that follows."""

    def kept(self, change: Change, seconds: float, iterations: float) -> None:
        """See a solve with an old preconditioner."""

    def stopped(self, change: Change, iterations: float) -> None:
        """See one that was stopped; a build follows."""


class Ours:
    """The rule of this project, which sees one number of a change.

    Parameters
    ----------
    reuse
        What is known to begin with.
    watched
        Solves are stopped by the rule, not by the table alone.
    """

    def __init__(self, reuse: Reuse, *, watched: bool = True) -> None:
        self._reuse, self._watched = reuse, watched
        self.built = reuse.built

    def patience(self, change: Change, moved: Change) -> float:
        """See `Rule`."""
        patience = self._reuse.patience(change.whole, moved.whole)
        return patience if self._watched or patience == 0.0 else inf

    def kept(self, change: Change, seconds: float, iterations: float) -> None:
        """See `Rule`."""
        self._reuse.kept(change.whole, seconds, iterations)

    def stopped(self, change: Change, iterations: float) -> None:
        """See `Rule`."""
        self._reuse.stopped(change.whole, iterations)


@dataclass(frozen=True)
class Run:
    """What a rule did.

    Parameters
    ----------
    seconds
        In all.
    builds, stops
        How often it built, and gave a solve up.
    """

    seconds: float
    builds: int
    stops: int


def simulate(table: Table, rule: Rule) -> Run:
    """Run a rule over a sequence."""
    total, builds, stops, built = 0.0, 0, 0, -1
    for step in range(len(table)):
        if built >= 0 and table.offered(step, built):
            taken, done = _keep(table, rule, step, built)
            total += taken
            if done:
                continue
            stops += taken > 0.0
        built, builds = step, builds + 1
        solve = float(table.seconds[step, step])
        total += float(table.setup[step]) + solve
        rule.built(float(table.setup[step]), solve, float(table.iterations[step, step]))
    return Run(total, builds, stops)


def _keep(table: Table, rule: Rule, step: int, built: int) -> tuple[float, bool]:
    """Seconds that were spent with the old preconditioner, and whether they sufficed."""
    change = table.change(step, built)
    patience = rule.patience(change, table.change(step, step - 1))
    if patience <= 0.0:
        return 0.0, False
    seconds, iterations = float(table.seconds[step, built]), float(table.iterations[step, built])
    if table.solved[step, built] and seconds <= patience:
        rule.kept(change, seconds, iterations)
        return seconds, True
    spent = min(seconds, patience)
    rule.stopped(change, iterations * spent / seconds)
    return spent, False


def oracle(table: Table) -> Run:
    """The least that any sequence of builds takes, all being known: dynamic programming."""
    n = len(table)
    best, ends = np.zeros(n + 1), np.zeros(n, dtype=int)
    for built in range(n - 1, -1, -1):
        totals = table.fresh[built] + _served(table, built)
        after = totals + best[built + 1 : built + 1 + len(totals)]
        ends[built] = built + 1 + int(after.argmin())
        best[built] = float(after.min())
    builds, step = 0, 0
    while step < n:
        builds, step = builds + 1, int(ends[step])
    return Run(float(best[0]), builds, 0)


def _served(table: Table, built: int) -> Array:
    """Seconds of the solves that a build serves besides its own: of 0, of 1 and so on."""
    column = table.seconds[built + 1 :, built]
    good = table.solved[built + 1 :, built]
    count = len(good) if good.all() else int(good.argmin())
    return np.concatenate([[0.0], np.cumsum(column[:count])])
