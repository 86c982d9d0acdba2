"""What a learner chooses for kinds it was not fitted to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.prior_posterior import deviation, parts
from benchmarks.prior_table import Array, Ints, Table
from metasolve.prior import read_candidates
from metasolve.prior.forest import LEAVES, TREES, fit
from metasolve.prior.growth import grown, growth
from metasolve.prior.targets import TOTAL, guide

Learner = Callable[[Table, Array], Array]
"""From the systems of a fit and inputs of others to what each member of an ensemble expects of
these: (members, N, K, 2)."""
CAUTION = 0.9  #: deviations added to what is expected, when candidates are compared
#: For a deviation, and for its square, when candidates are compared with the own settings: large
#: ones are wrong by more than a Gaussian's would be.
SURE, SURE_SQUARE = 0.6, 1.25
ALONE = 0.5  #: for a deviation, in both, where caution is about a candidate's own time
SMALL = 25_000  #: unknowns, of a fit that is to say something of larger systems
_FAR = 9.0
LOG_ROWS = 0  #: place of the feature
MARGIN = float(np.log(1.1))  #: a choice is foreseen to be faster than the own settings by this


def forest(trees: int = TREES, leaves: int = LEAVES) -> Learner:
    """The forest that ships."""

    def learn(known: Table, Z: Array) -> Array:
        candidates = read_candidates()
        grows = growth(known.rows, candidates, known.Y)
        left = known.Y - grown(known.X[:, LOG_ROWS], grows)
        fitted = fit(known.X, left, guide(known.Y, candidates), trees, leaves)
        return np.stack([fitted(x) for x in Z], axis=1) + grown(Z[:, LOG_ROWS], grows)

    return learn


@dataclass(frozen=True)
class Foreseen:
    """What is expected of systems whose kinds were left out, relative to their own settings.

    Parameters
    ----------
    mean, spread
        Of ln(seconds) of all candidates, in a unit of the system; (N, K).
    apart
        What parts of the ensemble say beyond the mean; (N, parts, K).
    """

    mean: Array
    spread: Array
    apart: Array

    def choices(self, table: Table, *, beside: bool = True) -> Ints:
        """Places of the candidates that are taken.

        Parameters
        ----------
        beside
            Caution is about the difference from the own settings; otherwise about the candidate's
            own time.
        """
        every, relative = np.arange(len(self.mean)), self.relative(table)
        spread = self.beside(table) if beside else self.spread
        score = relative + (CAUTION if beside else ALONE) * spread
        gains = relative + (sure(spread) if beside else ALONE * spread) < -MARGIN
        gains[every, table.own] = False
        best = np.where(gains, score, np.inf).argmin(axis=1)
        return np.where(gains[every, best], best, table.own)

    def beside(self, table: Table) -> Array:
        """Deviation of the difference from the own settings; (N, K)."""
        pairs = zip(self.apart, table.own, strict=True)
        return np.array([deviation(apart, int(own)) for apart, own in pairs])

    def relative(self, table: Table) -> Array:
        """Expected ln(seconds / own seconds); what may not be chosen is far off; (N, K)."""
        own = np.take_along_axis(self.mean, table.own[:, None], axis=1)
        told: Array = np.where(table.usable, self.mean - own, _FAR)
        return told


def sure(deviation: Array) -> Array:
    """What candidates are taken to need more, when own settings are the alternative."""
    added: Array = deviation * (SURE + SURE_SQUARE * deviation)
    return added


def foresee(table: Table, learner: Learner) -> Foreseen:
    """Fit to all but a kind and its siblings, for each of them in turn."""
    mean, spread = (np.zeros(table.L.shape) for _ in range(2))
    apart: list[Array] = [np.zeros(0)] * len(mean)
    for siblings in np.unique(table.siblings):
        out = table.siblings == siblings
        each = learner(table.some(~out), table.X[out])[..., TOTAL]
        mean[out], spread[out] = each.mean(axis=0), each.std(axis=0)
        for place, told in zip(np.flatnonzero(out), parts(each), strict=True):
            apart[place] = told
    return Foreseen(mean, spread, np.array(apart))


def foresee_larger(table: Table, learner: Learner) -> tuple[Table, Foreseen]:
    """Fit to systems of up to `SMALL` unknowns; the larger ones, and what is expected of them."""
    out = table.X[:, LOG_ROWS] > np.log10(SMALL)
    larger = table.some(out)
    each = learner(table.some(~out), larger.X)[..., TOTAL]
    return larger, Foreseen(each.mean(axis=0), each.std(axis=0), parts(each))


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
