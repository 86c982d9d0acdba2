"""Whether what was recorded covers what will come: each run is left out in turn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from metasolve.model.model import Standardisation
from metasolve.solve.instance import Instance
from metasolve.train.inputs import common_features

_FEWEST = 3  # groups, below which nothing is said
_MOST = 200  # that are left out: more would tell the same
_WANTED = 0.1  # of later systems may be unfamiliar


class Coverage(NamedTuple):
    """What leaving one out says.

    Parameters
    ----------
    groups
        How many there are: runs, or operators.
    familiar
        Share of the systems of one that lie in the range of the others, on average.
    rows
        Number of unknowns, where all systems have as many: nothing is said of other sizes.
    """

    groups: int
    familiar: float
    rows: int | None = None

    @property
    def more(self) -> int:
        """Groups that are missing until a tenth of the next one's systems is unfamiliar.

        That a new one lies beyond the largest, or the smallest, of n earlier ones happens once in
        n + 1 times, whatever their distribution; so what is unfamiliar falls as 1 / n.
        """
        strange = 1.0 - self.familiar
        return max(0, math.ceil(self.groups * (strange / _WANTED - 1.0) - 1e-9))


def coverage(instances: Sequence[Instance], groups: Mapping[str, str]) -> Coverage | None:
    """Leave each group out in turn; None where there are too few.

    Parameters
    ----------
    instances
        With finite features.
    groups
        Of each instance, by id: what comes and goes together, such as a run.
    """
    names = common_features(instances)
    table = np.array([[float(each.features[name]) for name in names] for each in instances])
    of = np.unique([groups[each.id] for each in instances], return_inverse=True)[1]
    count = int(of.max()) + 1
    if count < _FEWEST:
        return None
    shares = []
    for left_out in np.linspace(0, count - 1, min(count, _MOST)).round().astype(int):
        known = Standardisation.fit(names, table[of != left_out])
        shares.append(np.mean([not known.unfamiliar(row) for row in table[of == left_out]]))
    sizes = {float(each.features["log_rows"]) for each in instances if "log_rows" in names}
    rows = round(10 ** sizes.pop()) if len(sizes) == 1 else None
    return Coverage(count, float(np.mean(shares)), rows)


def sentence(found: Coverage | None, what: str) -> str:
    """What can be said of it before a training; `what` are the groups, such as "runs"."""
    if found is None:
        return (
            f"fewer than {_FEWEST} {what} were recorded: nothing says how much of later ones will "
            "lie in their range"
        )
    told = f"of {found.groups} {what}, {100 * found.familiar:.0f} % of each lie in the range of the"
    told += " others"
    if found.rows is not None:
        told += f"; all have {found.rows} unknowns, so other sizes do not"
    if not found.more:
        return told
    return f"{told}; the prior would choose for the rest: record some {found.more} more {what}"
