"""Laws of the difficulty: what the host takes is learned alone, and taken off again."""

import numpy as np
import pytest
import torch

from metasolve.model.matches import Matches, as_tensor
from metasolve.model.surrogate import Surrogate
from metasolve.train.difficulty import Difficulty

RNG = np.random.default_rng(5)
INPUTS = RNG.uniform(-2, 2, (60, 3))


def host(x):
    """Seconds: a rule of the features, and a narrow valley that no linear rule has."""
    return np.exp(0.5 * x[:, 0] - 1.5 * np.exp(-8.0 * x[:, 1] ** 2))


def test_the_rule_and_the_level_make_the_reference():
    taken = host(INPUTS)
    difficulty = Difficulty(INPUTS, dict(enumerate(taken)))
    rest = np.log(taken) - difficulty.level
    design = np.c_[np.ones(60), INPUTS]
    fitted = design @ np.linalg.lstsq(design, rest, rcond=None)[0]
    np.testing.assert_allclose(fitted, rest, atol=1e-9)


def test_units_do_not_matter():
    taken = host(INPUTS)
    levels = [Difficulty(INPUTS, dict(enumerate(c * taken))).level for c in (1.0, 1e-6)]
    np.testing.assert_allclose(*levels, atol=1e-9)


def test_an_instance_that_was_not_measured_has_no_level():
    difficulty = Difficulty(INPUTS, dict(enumerate(host(INPUTS)[:40])))
    assert (difficulty.level[40:] == 0).all()


def test_what_a_hard_host_loses_is_what_settings_gain():
    """Settings that take one second everywhere cost -ln(host), known or not."""
    known = np.arange(50)
    difficulty = Difficulty(INPUTS, dict(zip(known, host(INPUTS[known]), strict=True)))
    cost = -np.log(host(INPUTS[known])) + difficulty.level[known]
    surrogate = Surrogate(3, 1)
    s = RNG.uniform(-1, 1, (60, 1))
    data = Matches(
        as_tensor(INPUTS[known]), as_tensor(s[known]), torch.as_tensor(known), as_tensor(cost)
    )
    surrogate.fit(data, steps=100)
    away = INPUTS[50:]
    known = np.array([difficulty.host()(x) for x in away])
    taken, _, spread = difficulty.taken(surrogate, away, s[50:])
    found = taken - known
    error = found + np.log(host(INPUTS[50:]))
    assert np.sqrt(np.mean(error**2)) < 0.5 * np.std(np.log(host(INPUTS[50:])))
    assert (spread > 0).all()
    assert np.mean(np.abs(error) < 3 * spread) > 0.9


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_instances_are_enough_to_begin(count):
    difficulty = Difficulty(INPUTS[:count], dict(enumerate(host(INPUTS[:count]))))
    assert np.isfinite(difficulty.level).all()


def test_what_a_host_that_failed_took_says_nothing_of_others():
    taken = host(INPUTS)
    absurd = np.where(np.arange(60) % 6 == 0, 1e-9, taken)
    failed = range(0, 60, 6)
    answered = {index: taken[index] for index in range(60) if index % 6}
    known = Difficulty(INPUTS, answered).host()
    same = Difficulty(INPUTS, dict(enumerate(absurd)), failed=failed).host()
    at = RNG.uniform(-2, 2, (20, 3))
    np.testing.assert_allclose([same(x) for x in at], [known(x) for x in at], atol=1e-6)
