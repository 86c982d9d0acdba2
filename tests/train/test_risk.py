"""What a cost is felt as, and what settings are expected to be felt as."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from metasolve.model.matches import Matches, as_tensor
from metasolve.model.surrogate import Surrogate
from metasolve.train.difficulty import Difficulty
from metasolve.train.risk import MATERIAL, Risk, careful, expected_loss, pessimistic

FIFTY = Risk(50.0, 1.0)


def expected(mean, spread):
    return float(expected_loss(torch.tensor([mean]), torch.tensor([spread]), 50.0))


@given(st.floats(-2.0, 2.0), st.floats(0.01, 1.0))
def test_expected_loss_is_the_mean_of_the_loss(mean, spread):
    nodes = np.linspace(-9.0, 9.0, 20_001)  # the loss has a kink: many, not Gauss's
    weights = np.exp(-0.5 * nodes**2)
    mean_loss = weights @ FIFTY.loss(mean + spread * nodes, 1.0) / weights.sum()
    assert expected(mean, spread) == pytest.approx(mean_loss, abs=1e-3)


@given(st.floats(-2.0, 2.0), st.floats(0.01, 1.0), st.floats(1.0, 3.0))
def test_doubt_never_helps(mean, spread, factor):
    assert expected(mean, factor * spread) >= expected(mean, spread) - 1e-4


def test_what_is_certain_is_felt_as_it_is():
    for cost in (-1.0, 0.0, MATERIAL, 0.2, 1.0):
        assert expected(cost, 1e-6) == pytest.approx(
            float(FIFTY.loss(np.array(cost), 1.0)), abs=1e-3
        )


@given(st.floats(0.0, 200.0), st.lists(st.floats(1e-3, 5.0), min_size=1, max_size=9))
def test_where_it_is_even_nothing_is_expected_to_be_felt(aversion, spreads):
    spread = np.array(spreads)
    even = Risk(aversion, 1.0).even(spread, np.ones_like(spread))
    assert (even <= 0.0).all()
    felt = expected_loss(torch.as_tensor(even), torch.as_tensor(spread), aversion)
    np.testing.assert_allclose(felt, 0.0, atol=1e-9 * (1.0 + aversion))


@given(st.floats(0.0, 100.0), st.floats(1e-3, 3.0), st.floats(1.0, 3.0))
def test_more_doubt_or_more_aversion_asks_for_more(aversion, spread, factor):
    spread = np.array([spread])
    even = Risk(aversion, 1.0).even(spread, 1.0)
    assert Risk(aversion, 1.0).even(factor * spread, 1.0) <= even + 1e-9
    assert Risk(factor * aversion, 1.0).even(spread, 1.0) <= even + 1e-9


@given(st.floats(0.1, 100.0), st.floats(0.2, 2.0), st.floats(1e-3, 1e3))
def test_a_slow_down_of_what_takes_little_counts_less(aversion, cost, share):
    taken = np.array([share, 1.0])
    felt = Risk(aversion, 1.0).loss(np.array([cost, cost]), taken) - cost
    assert felt[0] == pytest.approx(min(1.0, share) * felt[1])


@pytest.fixture(scope="module")
def gamble():
    """s = -1 gains 0.1, measured everywhere; s = 1 gains about 0.15, measured where x < 0."""
    rng, count = np.random.default_rng(0), 40
    inputs = rng.uniform(-2.0, 2.0, (count, 1))
    rows = np.r_[np.arange(count), np.flatnonzero(inputs[:, 0] < 0.0)]
    s = np.where(np.arange(len(rows)) < count, -1.0, 1.0)[:, None]
    cost = np.where(s[:, 0] < 0, -0.1, -0.15 - 0.2 * np.sin(3.0 * inputs[rows, 0]))
    difficulty = Difficulty(inputs, dict.fromkeys(range(count), 1.0))
    surrogate = Surrogate(1, 1, seed=0)
    known = as_tensor(inputs[rows]), as_tensor(s), torch.as_tensor(rows), as_tensor(cost)
    surrogate.fit(Matches(*known), steps=60)
    return surrogate, difficulty


@torch.no_grad()
def preferred(objective, x):
    arms = torch.tensor([[[-1.0], [1.0]]])
    return [int(objective(as_tensor([[each]]), arms).argmin()) for each in x]


def test_careful_gives_up_a_gain_that_may_be_a_loss(gamble):
    surrogate, difficulty = gamble
    usual, safe = pessimistic(surrogate, 0.0), careful(surrogate, difficulty)
    x = np.linspace(0.0, 1.8, 24)
    bold, wary = preferred(usual, x), preferred(safe, x)
    assert bold[0] == wary[0] == 1  # known
    assert wary[-1] == 0
    assert sum(wary) < sum(bold)


@torch.no_grad()
def test_careful_is_bounded_and_pessimism_adds_doubt(gamble):
    surrogate, difficulty = gamble
    x, s = torch.linspace(-3.0, 3.0, 20)[:, None], torch.linspace(-2.0, 2.0, 5).view(1, 5, 1)
    s = s.expand(20, 5, 1)
    assert careful(surrogate, difficulty)(x, s).max() <= 1.1
    assert (pessimistic(surrogate, 1.0)(x, s) > pessimistic(surrogate, 0.0)(x, s)).all()
