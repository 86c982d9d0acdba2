"""What is learned on line: the rule of the plug-in's ``posterior.c``, for simulated streams."""

from __future__ import annotations

import numpy as np

from benchmarks.prior_table import Array

PARTS = 22  #: of the trees
SHARE, NOISE, LEAST = 0.4, 0.25, 0.15
SURPRISE, LASTS, FORGET, DRIFT = 3.0, 0.25, 1e-3, 1e-4


def parts(each: Array) -> Array:
    """What parts of an ensemble say beyond its mean, and one that says the same of all.

    Parameters
    ----------
    each
        Of each member; (members, N, K).

    Returns
    -------
    (N, PARTS + 1, K); squares of the first add up to the variance over members.
    """
    members = len(each)
    told = np.ones((each.shape[1], PARTS + 1, each.shape[2]))
    for part in range(PARTS):
        mine = each[part::PARTS] - each.mean(axis=0)
        told[:, part] = mine.sum(axis=0) / np.sqrt(members)
    return told


def deviation(apart: Array, own: int) -> Array:
    """Standard deviation of each candidate's ln(seconds / own seconds), before anything is seen."""
    beside = apart - apart[:, own, None]
    told: Array = np.sqrt(SHARE * (beside**2).sum(axis=0) + 2.0 * LEAST**2)
    return told


class Posterior:
    """Weights of parts, and an offset for each candidate, of one class.

    Parameters
    ----------
    candidates
        How many there are.

    Attributes
    ----------
    seen : solves that have told of each candidate; (K,).
    """

    def __init__(self, candidates: int) -> None:
        self._weight, self._covariance = np.zeros(PARTS + 1), SHARE * np.eye(PARTS + 1)
        self._offset, self._variance = np.zeros(candidates), np.full(candidates, LEAST**2)
        self.seen = np.zeros(candidates, dtype=int)

    def mean(self, apart: Array) -> Array:
        """What is expected beyond what was foreseen; (K,)."""
        told: Array = self._weight @ apart + self._offset
        return told

    def deviation(self, apart: Array, own: int) -> Array:
        """Standard deviation of each candidate's difference from the own settings; (K,)."""
        beside = apart - apart[:, own, None]
        weights = np.einsum("pk,pq,qk->k", beside, self._covariance, beside)
        told: Array = np.sqrt(np.maximum(weights, 0.0) + self._variance + self._variance[own])
        return told

    def see(self, apart: Array, candidate: int, beyond: float) -> None:
        """Learn from a solve whose ln(seconds) was so far beyond what was foreseen."""
        x, j = apart[:, candidate], candidate
        r = beyond - float(self._weight @ x) - float(self._offset[j])
        y = self._covariance @ x
        own, least = float(self._variance[j]), (r / SURPRISE) ** 2
        seen = float(x @ y) + own + NOISE**2
        own, seen = own + LASTS * max(least - seen, 0.0), max(seen, least)
        self._weight += y * r / seen
        known = SHARE * np.eye(len(x)) - self._covariance + np.outer(y, y) / seen
        self._covariance = SHARE * np.eye(len(x)) - (1.0 - FORGET) * known
        self._offset[j] += own * r / seen
        self._variance[j] = own - own**2 / seen + DRIFT
        self.seen[j] += 1
        told = self._offset[self.seen > 0]
        self._variance[self.seen == 0] = max((LEAST**2 + told @ told) / (1 + told.size), LEAST**2)
