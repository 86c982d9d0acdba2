"""Laws of fixed-point sign-SPSA: whole numbers, replay bit for bit, roll-back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasolve.errors import UsageError
from metasolve.optim import Entry, FixedPointFormat, SignSPSA, replay

INT16, INT8 = FixedPointFormat(16, 12), FixedPointFormat(8, 4)
TARGET = INT16.quantise(np.linspace(-2.0, 2.0, 12))
seeds = st.integers(0, 2**32)


def distance(weights):
    return np.mean(((weights - TARGET) / 2.0**12) ** 2, axis=-1)


def learner(seed=0, start=None, **options):
    options = {"learning_rate": (64, 0), "reach": 32, "halve_every": 400} | options
    start = np.zeros(12, dtype=np.int64) if start is None else start
    return SignSPSA(start, INT16, seed=seed, **options)


@given(st.sampled_from([INT16, INT8]), st.lists(st.floats(-1e3, 1e3), min_size=1))
def test_quantised_numbers_are_nearest_and_within_the_range(form, values):
    found = form.quantise(values)
    assert found.dtype == np.int64
    assert np.all(np.abs(found) <= form.largest)
    within = np.abs(values) <= form.real(form.largest)
    assert np.all(np.abs(form.real(found) - values)[within] <= 0.5 / 2**form.fraction)


@pytest.mark.parametrize("probes", [1, 3])
def test_sixteen_bits_converge(probes):
    spsa = learner(probes=probes)
    for _ in range(2400):
        spsa.tell(distance(spsa.ask()))
    assert distance(spsa.weights) < 1e-3 * distance(np.zeros(12))


def test_a_rate_below_half_a_unit_never_moves():
    spsa = learner(learning_rate=(1, 2))
    for _ in range(50):
        spsa.tell(distance(spsa.ask()))
    assert not spsa.weights.any()


@given(seeds, st.integers(1, 3), st.integers(0, 7), st.integers(0, 10))
@settings(max_examples=40, deadline=None)
def test_replay_gives_the_same_bits_from_start_seed_and_signs(seed, probes, check, halve):
    options = {"probes": probes, "check_every": check, "halve_every": halve}
    rng = np.random.default_rng(seed)
    start = rng.integers(-30000, 30000, 12)
    spsa, weights = learner(seed, start, **options), []
    for _ in range(30):
        spsa.tell(rng.standard_normal(2 * probes))  # any costs at all
        weights.append(spsa.weights)
    assert all(np.all(np.abs(each) <= INT16.largest) for each in weights)
    for taken in (0, 7, 30):
        again = replay(learner(seed, start, **options), spsa.journal[:taken])
        expected = weights[taken - 1] if taken else INT16.clip(start)
        assert np.array_equal(again, expected)
    assert {sign for entry in spsa.journal for sign in entry.signs} <= {-1, 0, 1}


def test_one_bit_per_probe_is_all_that_costs_tell():
    """Any increasing function of the cost gives the same weights."""
    plain, bent = learner(), learner()
    for _ in range(50):
        plain.tell(distance(plain.ask()))
        bent.tell(np.exp(7.0 * distance(bent.ask())) + 3.0)
    assert np.array_equal(plain.weights, bent.weights)


def test_it_rolls_back_when_the_cost_rises_and_the_replay_does_too():
    spsa = learner(check_every=10)
    for _ in range(40):
        spsa.tell(distance(spsa.ask()))
    assert not any(entry.rolled_back for entry in spsa.journal)
    safe = spsa.weights
    for _ in range(10):  # the problem changes: what was learned is no use, and costs more
        spsa.tell(5.0 - distance(spsa.ask()))
    assert spsa.journal[-1].rolled_back
    assert np.array_equal(spsa.weights, safe)
    assert np.array_equal(replay(learner(check_every=10), spsa.journal), safe)


def test_a_failed_probe_counts_as_worst():
    spsa = learner()
    spsa.tell([np.nan, 1.0])
    assert spsa.journal == [Entry((1,))]


def test_what_probes_nothing_is_refused():
    with pytest.raises(UsageError, match="reach"):
        learner(reach=0)
