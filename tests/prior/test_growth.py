from dataclasses import replace

import numpy as np
import pytest

from metasolve.prior import read_candidates
from metasolve.prior.corpus import Taken
from metasolve.prior.growth import BEGINS, grown, growth
from metasolve.prior.targets import targets

CANDIDATES = read_candidates()
SLOPES = np.linspace(-0.3, 0.6, len(CANDIDATES))


def grow(row, random, level, middle):
    """A system whose candidates take what their slopes say, in a kind of its own level and size."""
    size = middle + random.random()
    row = replace(row, features={**row.features, "log_rows": size}, tolerance=1e-6)
    logs = level + SLOPES * size + np.log(row.unit)
    seconds = dict(zip((each.name for each in CANDIDATES), np.exp(logs), strict=True))
    taken = {name: Taken(0.0, seconds[name], 9, 1e-7, "CONVERGED", 9.0) for name in row.taken}
    return replace(row, taken=taken)


def test_slopes_are_found_whatever_kinds_cost_and_how_large_they_are(rows):
    random = np.random.default_rng(0)
    kinds = {row.kind: (random.normal(), random.uniform(2, 5)) for row in rows}
    many = [grow(row, random, *kinds[row.kind]) for row in rows for _ in range(4)]
    found = growth(many, CANDIDATES, targets(many, CANDIDATES))
    seen = [place for place, each in enumerate(CANDIDATES) if each.name in many[0].taken]
    assert found[seen] == pytest.approx(np.stack([SLOPES[seen]] * 2, axis=1), abs=2e-3)


def test_it_begins_where_systems_are_large():
    grows = np.array([[0.5, 0.25]])
    assert grown(np.array([BEGINS - 1, BEGINS, BEGINS + 2]), grows).tolist() == [
        [[0.0, 0.0]],
        [[0.0, 0.0]],
        [[1.0, 0.5]],
    ]
