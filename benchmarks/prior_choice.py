"""What a learner chooses for kinds it was not fitted to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.prior_table import Array, Ints, Table
from metasolve.prior.forest import LEAVES, TREES, fit
from metasolve.prior.targets import TOTAL, guide

Learner = Callable[[Array, Array, Array], Array]
"""From inputs and outputs of a fit and inputs of others to what each member of an ensemble expects
of these: (members, N, K, 2)."""
CAUTION = 0.5  #: spreads added to what is expected, when candidates are compared ...
GATE = 0.75  #: ... and when the best of them is compared with the own settings
_FAR = 9.0
MARGIN = float(np.log(1.1))  #: a choice is foreseen to be faster than the own settings by this


def forest(trees: int = TREES, leaves: int = LEAVES) -> Learner:
    """The forest that ships."""

    def learn(X: Array, Y: Array, Z: Array) -> Array:
        fitted = fit(X, Y, guide(Y), trees, leaves)
        return np.stack([fitted(x) for x in Z], axis=1)

    return learn


@dataclass(frozen=True)
class Foreseen:
    """What is expected of systems whose kinds were left out, relative to their own settings.

    Parameters
    ----------
    mean, spread
        Of ln(seconds) of all candidates, in a unit of the system; (N, K).
    beside
        Spread of their difference from the own settings.
    """

    mean: Array
    spread: Array
    beside: Array

    def choices(self, table: Table, *, beside: bool = True) -> Ints:
        """Places of the candidates that are taken.

        Parameters
        ----------
        beside
            Caution is about the difference from the own settings; otherwise about the candidate's
            own time.
        """
        spread, every = (self.beside if beside else self.spread), np.arange(len(self.mean))
        relative = self.relative(table)
        score = relative + CAUTION * spread
        score[every, table.own] = 0.0
        best = score.argmin(axis=1)
        doubt = (GATE if beside else CAUTION) * spread[every, best]
        return np.where(relative[every, best] + doubt < -MARGIN, best, table.own)

    def relative(self, table: Table) -> Array:
        """Expected ln(seconds / own seconds); what may not be chosen is far off; (N, K)."""
        own = np.take_along_axis(self.mean, table.own[:, None], axis=1)
        told: Array = np.where(table.usable, self.mean - own, _FAR)
        return told


def foresee(table: Table, learner: Learner) -> Foreseen:
    """Fit to all but a kind and its siblings, for each of them in turn."""
    mean, spread, beside = (np.zeros(table.L.shape) for _ in range(3))
    for siblings in np.unique(table.siblings):
        out = table.siblings == siblings
        each = learner(table.X[~out], table.Y[~out], table.X[out])[..., TOTAL]
        mean[out], spread[out] = each.mean(axis=0), each.std(axis=0)
        own = np.take_along_axis(each, table.own[out][None, :, None], axis=2)
        beside[out] = (each - own).std(axis=0)
    return Foreseen(mean, spread, beside)


def single_of_others(table: Table) -> Ints:
    """The one setting that is best for all kinds but a system's own and its siblings."""
    chosen = np.zeros(len(table.L), dtype=int)
    for siblings in np.unique(table.siblings):
        out = table.siblings == siblings
        chosen[out] = table.L[~out].mean(axis=0).argmin()
    return chosen


def single_of_kind(table: Table, groups: Sequence[str] | None = None) -> Ints:
    """The one setting that is best for a system's own kind, in hindsight."""
    kinds = table.kinds if groups is None else np.asarray(groups)
    chosen = np.zeros(len(table.L), dtype=int)
    for kind in np.unique(kinds):
        mine = kinds == kind
        chosen[mine] = table.L[mine].mean(axis=0).argmin()
    return chosen


def costs(table: Table, chosen: Ints) -> Array:
    """ln(cost / own time) of choices."""
    told: Array = table.L[np.arange(len(chosen)), chosen]
    return told
