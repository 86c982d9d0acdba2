"""The gate: a policy leaves to the host what the surrogate expects it to slow down."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from metasolve.model.meta_model import MetaModel
from metasolve.model.model import Standardisation
from metasolve.model.surrogate import Matches, Surrogate
from metasolve.space import Real, Space
from metasolve.train.difficulty import Difficulty
from metasolve.train.gate import Errors, Expectation, next_error
from metasolve.train.inputs import Inputs
from metasolve.train.risk import Risk

#: The host takes the same everywhere.
EASY = Difficulty(np.random.default_rng(0).uniform(-2, 2, (30, 2)), dict.fromkeys(range(30), 1.0))


@pytest.fixture(scope="module")
def setting():
    """One setting whose cost depends on one feature: a loss below zero, a gain above."""
    space = Space((Real("omega", 0.0, 1.0),))
    rng = np.random.default_rng(0)
    inputs = rng.uniform(-2, 2, (30, 2))
    rows = np.repeat(np.arange(30), 4)
    s = rng.uniform(-1, 1, (120, 1))
    cost = -0.8 * inputs[rows, 0] + 0.05 * s[:, 0]
    surrogate = Surrogate(2, 1, seed=0)
    tensors = [torch.as_tensor(each, dtype=torch.float32) for each in (inputs[rows], s)]
    surrogate.fit(Matches(*tensors, torch.as_tensor(rows), torch.as_tensor(cost)), steps=40)
    return space, inputs, surrogate


def expectation(setting, difficulty=EASY, host=None):
    space, inputs, surrogate = setting
    network = MetaModel(2, space.dim, np.zeros(space.dim), seed=1)
    host = np.zeros(len(inputs)) if host is None else host
    everything = np.ones(inputs.shape[1])
    as_they_are = Standardisation(
        tuple(f"x{i}" for i in range(inputs.shape[1])),
        *(0.0 * everything, everything, -9.0 * everything, 9.0 * everything),
    )
    known = Inputs(as_they_are, inputs, everything > 0)
    return Expectation(network, surrogate, difficulty, space, known, host, 1)


def fitted(setting, difficulty=EASY, host=None):
    return expectation(setting, difficulty, host).gate(Errors(0.0, 1.0), Risk(5.0, 1.0))


def test_it_closes_where_a_loss_is_expected_and_opens_where_a_gain_is(setting):
    found = fitted(setting)
    for feature in (-1.5, -1.0, -0.5):
        assert found.closed(np.array([feature, 0.0]))
    for feature in (0.5, 1.0, 1.5):
        assert not found.closed(np.array([feature, 0.0]))


def test_where_the_host_fails_a_loss_is_still_a_gain(setting):
    host = np.where(setting[1][:, 0] < 0, 3.0, 0.0)
    assert not fitted(setting, host=host).closed(np.array([-1.5, 0.0]))


def test_a_narrow_valley_of_the_host_is_not_filled(setting):
    """Settings that take the same everywhere are a gain but where the host is fast."""
    rng = np.random.default_rng(3)
    inputs = np.c_[rng.uniform(-2, 2, 90), np.linspace(-2, 2, 90)]
    valley = -3.0 * np.exp(-((inputs[:, 1] / 0.2) ** 2))
    difficulty = Difficulty(inputs, dict(enumerate(np.exp(valley))))
    above_the_rule = difficulty.level - valley - 0.5
    surrogate = Surrogate(2, 1, seed=0)
    tensors = [
        torch.as_tensor(each, dtype=torch.float32) for each in (inputs, rng.uniform(-1, 1, (90, 1)))
    ]
    known = torch.arange(90), torch.as_tensor(above_the_rule)
    surrogate.fit(Matches(*tensors, *known), steps=60)
    found = fitted((setting[0], inputs, surrogate), difficulty)
    for x in (-1.0, 0.0, 1.0):
        assert found.closed(np.array([x, 0.02]))
        assert not found.closed(np.array([x, 0.7]))
        assert not found.closed(np.array([x, -0.7]))


def test_the_host_is_what_its_gaussian_process_says():
    rng = np.random.default_rng(4)
    inputs = rng.uniform(-2, 2, (40, 3))
    inputs[:, 1] = 0.0
    difficulty = Difficulty(inputs, dict(enumerate(np.exp(np.sin(3 * inputs[:, 0])))))
    known = difficulty.host()
    assert list(known.features) == [0, 2]
    at = rng.uniform(-2, 2, (20, 3))
    x = torch.as_tensor(at[:, [0, 2]], dtype=torch.float32)
    above_the_mean = difficulty._host.mean(x, x[:, :0]).detach().numpy()
    mean = np.sin(3 * inputs[:, 0]).mean()
    np.testing.assert_allclose([known(each) for each in at], mean + above_the_mean, atol=1e-4)


def test_the_more_doubt_the_less_it_opens(setting):
    expected = expectation(setting)
    doubts = [(Errors(0.0, 1.0), Risk(0.0, 1.0)), (Errors(0.0, 1.0), Risk(5.0, 1.0))]
    doubts += [(Errors(0.0, 3.0), Risk(5.0, 1.0)), (Errors(2.0, 3.0), Risk(50.0, 1.0))]
    gates = [expected.gate(*each) for each in doubts]
    for x in np.linspace(-1.5, 1.5, 7):
        costs = [each.expected(np.array([x, 0.0])) for each in gates]
        assert min(np.diff(costs)) > -0.01  # but for the fit


def test_errors_are_in_units_of_what_is_not_known(setting):
    """Of costs that are drawn from the expectation itself: standard normal."""
    expected, rng = expectation(setting), np.random.default_rng(2)
    gains = np.flatnonzero(expected.inputs[:, 0] > 0.5)
    x = expected.inputs[gains]
    taken, _, spread = expected.taken(x)
    known = np.array([expected.difficulty.host()(each) for each in x])
    drawn = rng.standard_normal(len(gains))
    errors = expected.errors(gains.tolist(), taken - known + spread * drawn)
    np.testing.assert_allclose(errors, drawn, atol=1e-6)


def test_errors_where_it_stays_closed_do_not_count(setting):
    expected = expectation(setting)
    x = expected.inputs
    some = [int(np.argmax(x[:, 0])), int(np.argmin(x[:, 0])), int(np.argsort(x[:, 0])[-2])]
    measured = np.array([-1.0, 9.0, -1.0])
    errors = expected.errors(some, measured)
    without = expected.errors(some[::2], measured[::2])
    np.testing.assert_allclose(errors, without, rtol=1e-2)  # of single precision
    assert len(expected.errors(some[1:2], measured[1:2])) == 1  # nothing else to learn from


@pytest.mark.parametrize(("count", "size"), [(2, 1.0), (8, 0.3), (8, 1.0), (20, 3.0), (35, 5.0)])
def test_the_next_error_is_hardly_ever_larger_than_it_seems(count, size):
    rng = np.random.default_rng(count)

    def beyond():
        seen = next_error(0.7 + size * rng.standard_normal(count))
        return 0.7 + size * rng.standard_normal() > seen.bias + 1.7 * seen.size

    assert np.mean([beyond() for _ in range(4000)]) < 0.08


@given(st.lists(st.integers(-99, 99), min_size=1, max_size=30), st.integers(-99, 99))
def test_it_knows_a_bias(errors, shift):
    errors, shift = np.array(errors) / 64, shift / 64
    one, other = next_error(errors), next_error(errors + shift)
    assert other.bias == pytest.approx(one.bias + shift)
    assert other.size == pytest.approx(one.size)


def test_the_wronger_the_expectation_was_the_larger_the_next_error():
    signs = np.where(np.arange(20) % 2, 1.0, -1.0)
    found = [next_error(size * signs).size for size in (0.0, 0.5, 2.0, 5.0)]
    assert found == sorted(found)
    assert found[0] > 0
