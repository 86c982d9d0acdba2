"""`Forecast`: what candidates take on some systems, and where the parts of the forest disagree.

The plug-in's ``prior.c`` computes the same, for one system at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasolve.prior.forest import UNIT, Forest
from metasolve.prior.growth import grown
from metasolve.prior.prior_file import Prior
from metasolve.prior.targets import SOLVE, TOTAL

Array = NDArray[np.float64]
PARTS = 22  #: of the trees; one more says the same of all candidates: how slow a machine is
_WORK = 1e-9  # seconds for an entry of the matrix
_AT_ONCE = 256  # systems: more would need hundreds of megabytes


@dataclass(frozen=True)
class Forecast:
    """What is foreseen of N systems under K candidates.

    Parameters
    ----------
    total, solve
        ln(seconds) of set-up and solve together, and of the solve alone; (N, K).
    apart
        What each part says of the total beyond the mean of all, and ones; (N, PARTS + 1, K).
        The squares of the first PARTS add up to about the variance over trees.
    """

    total: Array
    solve: Array
    apart: Array

    def seconds(self, setup_share: float = 1.0) -> Array:
        """ln(seconds) of a solve that pays this share of the set-up; (N, K)."""
        solve = np.minimum(self.solve, self.total)
        told: Array = solve + np.log1p(setup_share * np.expm1(self.total - solve))
        return told


def forecast(prior: Prior, features: Array) -> Forecast:
    """What a prior foresees at features (N, F), in its order."""
    blocks = np.split(features, range(_AT_ONCE, len(features), _AT_ONCE))
    parts = np.concatenate([_parts(prior.forest, block) for block in blocks])
    trees = _trees(len(prior.forest.root))
    mean = (parts * trees[:, None, None]).sum(axis=1) / trees.sum()
    apart = (parts - mean[:, None])[..., TOTAL] * trees[:, None] / np.sqrt(trees.sum())
    log_rows, per_row = (
        features[:, prior.features.index(n)] for n in ("log_rows", "nonzeros_per_row")
    )
    work = log_rows * np.log(10.0) + np.log(np.maximum(per_row, 1.0)) + np.log(_WORK)
    mean = mean + work[:, None, None] + grown(log_rows, prior.grows)
    ones = np.ones((len(features), 1, mean.shape[1]))
    return Forecast(mean[..., TOTAL], mean[..., SOLVE], np.concatenate([apart, ones], axis=1))


def _trees(count: int) -> NDArray[np.int_]:
    """How many trees each part has."""
    return np.array([len(range(part, count, PARTS)) for part in range(min(PARTS, count))])


def _parts(forest: Forest, features: Array) -> Array:
    """Means over the trees of each part; (N, PARTS, K, 2)."""
    leaves = forest.leaves(features)
    each = [forest.value[leaves[:, part::PARTS]].mean(axis=1) for part in range(PARTS)]
    told: Array = np.stack(each, axis=1) / UNIT
    return told
