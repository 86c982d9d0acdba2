"""The gate: a policy leaves to the host what the surrogate expects it to slow down."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from metasolve.model.meta_model import MetaModel
from metasolve.model.surrogate import Matches, Surrogate
from metasolve.space import Real, Space
from metasolve.train.difficulty import Difficulty
from metasolve.train.gate import gate, gated, threshold

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


def test_it_closes_where_a_loss_is_expected_and_opens_where_a_gain_is(setting):
    space, inputs, surrogate = setting
    network = MetaModel(2, space.dim, np.zeros(space.dim), seed=1)
    layers = gated(
        network.layers(), gate(network, surrogate, EASY, space, inputs, np.zeros(30), seed=1), 0.0
    )
    assert len(layers[-1].bias) == space.dim + 1

    def output(x):
        for layer in layers:
            x = layer(x)
        return x

    for feature in (-1.5, -1.0, -0.5):
        assert output(np.array([feature, 0.0]))[-1] > 0.0
    for feature in (1.0, 1.5):
        assert output(np.array([feature, 0.0]))[-1] < 0.0


def test_it_does_not_change_what_the_policy_chooses(setting):
    space, inputs, surrogate = setting
    network = MetaModel(2, space.dim, np.zeros(space.dim), seed=1)
    with torch.no_grad():
        network.weights[-1].mul_(20.0)
    layers = gated(
        network.layers(), gate(network, surrogate, EASY, space, inputs, np.zeros(30), seed=1), 0.3
    )
    for x in inputs:
        wide, plain = x, x
        for both, own in zip(layers, network.layers(), strict=True):
            wide, plain = both(wide), own(plain)
        np.testing.assert_allclose(wide[: space.dim], plain, rtol=1e-12, atol=1e-12)


def test_where_the_host_fails_a_loss_is_still_a_gain(setting):
    space, inputs, surrogate = setting
    network = MetaModel(2, space.dim, np.zeros(space.dim), seed=1)
    host = np.where(inputs[:, 0] < 0, 3.0, 0.0)
    x = np.array([-1.5, 0.0])
    for layer in gate(network, surrogate, EASY, space, inputs, host, seed=1):
        x = layer(x)
    assert x[0] < 0.0


@pytest.mark.parametrize(("count", "size"), [(2, 0.05), (8, 0.05), (20, 0.3), (35, 0.5)])
def test_where_the_gate_only_just_opens_a_slow_down_is_improbable(count, size):
    rng = np.random.default_rng(count)
    expected = np.zeros(count)
    slow = [
        threshold(expected, 0.3 + size * rng.standard_normal(count))
        + 0.3 + size * rng.standard_normal() > np.log(1.1)
        for _ in range(4000)
    ]  # fmt: skip
    assert np.mean(slow) < 0.05


@given(st.lists(st.integers(-99, 99), min_size=1, max_size=30), st.integers(-99, 0))
def test_the_gate_knows_its_own_bias(errors, shift):
    expected, errors, shift = np.zeros(len(errors)), np.array(errors) / 64, shift / 64
    assert threshold(expected + shift, errors) == pytest.approx(threshold(expected, errors) + shift)


def test_errors_where_it_stays_closed_do_not_count():
    expected, errors = np.array([-0.5, -0.4, -0.3, 0.2]), np.array([0.1, 0.0, -0.1, 2.0])
    assert threshold(expected, expected + errors) == threshold(
        expected[:3], expected[:3] + errors[:3]
    )


def test_the_wronger_the_gate_was_the_less_it_opens():
    expected = np.linspace(-2, 0, 20)
    signs = np.where(np.arange(20) % 2, 1.0, -1.0)
    limits = [threshold(expected, expected + size * signs) for size in (0.0, 0.2, 0.6)]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] < np.log(1.1)
