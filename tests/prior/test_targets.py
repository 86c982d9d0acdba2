from dataclasses import replace

import numpy as np
import pytest

from metasolve.prior import read_candidates
from metasolve.prior.candidates import DEFAULT
from metasolve.prior.corpus import Taken
from metasolve.prior.targets import (
    BAD,
    CLIP,
    FAILURE,
    LEVEL,
    SOLVE,
    TOTAL,
    guide,
    seconds,
    targets,
)

from .conftest import system

CANDIDATES = read_candidates()
NAMES = [each.name for each in CANDIDATES]


def with_taken(row, **changed):
    return replace(row, taken={**row.taken, **changed})


def test_seconds_are_those_measured_in_units_of_the_system():
    row = system(0)
    told = targets([row], CANDIDATES)[0]
    place = NAMES.index(DEFAULT)
    taken = row.taken[DEFAULT]
    assert told[place, TOTAL] == pytest.approx(np.log(taken.total / row.unit))
    assert told[place, SOLVE] == pytest.approx(np.log(taken.solve / row.unit))
    assert row.unit == pytest.approx(10 ** row.features["log_rows"] * 5 * 1e-9)


def test_a_failure_costs_some_times_the_default():
    row = system(0)
    failed = Taken(0.0, 1e-5, 3, None, "DIVERGED", 1.0)
    told = seconds(with_taken(row, **{"cg+icc0": failed}), CANDIDATES)
    assert told[0, TOTAL] == FAILURE * row.taken[DEFAULT].total


def test_a_failure_costs_no_less_than_it_took():
    slow = Taken(9.0, 1.0, 3, None, "TIME_BUDGET", 1.0)
    told = seconds(with_taken(system(0), **{"cg+icc0": slow}), CANDIDATES)
    assert told[0, TOTAL] == 10.0


def test_what_was_killed_in_its_set_up_costs_no_less_than_its_budget():
    """Some times the default would flatter a factorisation that goes on far longer."""
    row = system(0)
    killed = Taken(0.0, 0.0, 0, None, "TIME_BUDGET", 7.0)
    told = seconds(with_taken(row, **{"lu-petsc": killed}), CANDIDATES)[NAMES.index("lu-petsc")]
    assert told[TOTAL] == 7.0
    assert told[SOLVE] == FAILURE * row.taken[DEFAULT].total


def test_a_default_that_fails_costs_what_it_could_use():
    failed = Taken(0.0, 0.0, 0, None, "SETUP_FAILED", 2.0)
    told = seconds(with_taken(system(0), **{DEFAULT: failed}), CANDIDATES)
    assert told[NAMES.index(DEFAULT), TOTAL] == 2.0 * FAILURE


def test_symmetric_candidates_fail_elsewhere():
    row = system(1)
    told = seconds(row, CANDIDATES)
    for place, each in enumerate(CANDIDATES):
        if each.symmetric:
            assert told[place, TOTAL] == FAILURE * row.taken[DEFAULT].total


def test_nothing_is_far_from_the_median():
    row = system(0)
    wild = Taken(1e6, 1e6, 3, None, "DIVERGED", 1.0)
    told = targets([with_taken(row, **{"cg+icc0": wild})], CANDIDATES)[0]
    assert np.ptp(told[:, TOTAL]) <= 2 * CLIP
    assert np.isfinite(told).all()


def test_a_guide_is_about_how_candidates_compare():
    Y = targets([system(number) for number in range(6)], CANDIDATES)
    assert guide(Y + 1.0, CANDIDATES) == pytest.approx(guide(Y, CANDIDATES) + LEVEL)
    far = Y.copy()
    far[:, 0] += 9.0
    assert guide(far, CANDIDATES)[:, 0].max() <= BAD + LEVEL * np.median(far, axis=1).max()
