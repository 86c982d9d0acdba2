"""`Posterior`: what the prior foresees, corrected by solves that were seen.

The model of the plug-in's ``posterior.c``: ln(seconds) of candidate j = foreseen + Σ w_g a_gj + o_j
+ noise, with weights w of the forest's parts and offsets o of candidates that are Gaussian. There
it is a filter that forgets, because a program changes; here all that was seen counts alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metasolve.prior.forecast import PARTS

Array = NDArray[np.float64]
SHARE = 0.4  #: variance of a weight: trees differ more than they err together
NOISE = 0.25  #: standard deviation of ln(seconds), from one solve to the next
NAMED, UNNAMED = 0.15, 1.0  #: of an offset: of a candidate, of own settings that are none
OWN = "own"  #: own settings that are no candidate, in a journal
_THOUSAND = 1000.0
_FURTHEST = 3.0  # of ln(seconds / foreseen): what is further away is a failure of another kind


@dataclass(frozen=True)
class Seen:
    """A solve that was seen.

    Parameters
    ----------
    candidate
        Its place; -1: the program's own settings, which are no candidate.
    beyond
        ln(seconds / foreseen).
    apart
        What the parts said of it beyond the mean, and a one; (PARTS + 1,).
    """

    candidate: int
    beyond: float
    apart: Array

    @classmethod
    def of_entry(cls, entry: Sequence[Any], names: Sequence[str]) -> Seen | None:
        """One that is written as name, ln(seconds / foreseen) and thousandths of the parts.

        None where no candidate has this name.
        """
        name, beyond, parts = entry
        if name not in (*names, OWN) or len(parts) != PARTS + 1:
            return None
        place = -1 if name == OWN else list(names).index(name)
        return cls(place, float(beyond), np.array(parts, dtype=float) / _THOUSAND)


@dataclass(frozen=True)
class Posterior:
    """Gaussian over weights and offsets, (PARTS + 1 + K,) together.

    Parameters
    ----------
    mean
        Of them.
    root
        Lower factor of their covariance.
    """

    mean: Array
    root: Array

    @classmethod
    def of(cls, candidates: int, seen: Sequence[Seen]) -> Posterior:
        """What is known of so many candidates when some solves were seen."""
        named = candidates * [NAMED]
        deviation = np.array([*(PARTS + 1) * [SHARE**0.5], *named, UNNAMED])
        A = np.zeros((len(seen), len(deviation)))
        beyond = np.clip([each.beyond for each in seen], -_FURTHEST, _FURTHEST)
        for row, each in zip(A, seen, strict=True):
            row[: PARTS + 1] = each.apart
            row[PARTS + 1 + each.candidate if each.candidate >= 0 else -1] = 1.0
        A = A * deviation / NOISE
        inner = np.linalg.cholesky(np.eye(len(deviation)) + A.T @ A)
        # The covariance is D (I + AᵀA)⁻¹ D, of which D L⁻ᵀ is a root.
        root = deviation[:, None] * np.linalg.inv(inner).T
        mean = root @ root.T @ (A / deviation).T @ (beyond / NOISE)
        return cls(mean, root)

    def beyond(self, apart: Array) -> Array:
        """What is expected beyond what was foreseen; (N, K) for parts (N, PARTS + 1, K)."""
        return _beyond(self.mean, apart)

    def draw(self, apart: Array, rng: np.random.Generator) -> Array:
        """The same of one sample."""
        return _beyond(self.mean + self.root @ rng.standard_normal(len(self.mean)), apart)


def _beyond(theta: Array, apart: Array) -> Array:
    told: Array = theta[: PARTS + 1] @ apart + theta[PARTS + 1 : -1]
    return told
