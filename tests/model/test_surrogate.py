"""Laws of the surrogate."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from metasolve.model.matches import Matches, as_tensor
from metasolve.model.squash import squash
from metasolve.model.surrogate import Surrogate


def matches(count=120, noise=0.02, seed=0):
    """Cost (s0 - x0)² + 0.3 s1 of two settings; of two features the second does not matter."""
    rng = np.random.default_rng(seed)
    instance = rng.integers(0, 30, count)
    x = np.random.default_rng(99).normal(size=(30, 2))[instance]
    s = rng.uniform(-1, 1, (count, 2))
    cost = cost_of(x, s) + noise * rng.normal(size=count)
    return Matches(as_tensor(x), as_tensor(s), torch.as_tensor(instance), squash(as_tensor(cost)))


def cost_of(x, s):
    return 0.2 * (s[:, 0] - x[:, 0]) ** 2 + 0.3 * s[:, 1] - 0.4


def fitted():
    surrogate = Surrogate(2, 2)
    surrogate.fit(matches())
    return surrogate


def test_it_predicts_what_it_was_not_shown():
    other = matches(60, seed=1)
    x, s = other.x.numpy(), other.s.numpy()
    error = fitted().predict(x, s) - squash(as_tensor(cost_of(x, s))).numpy()
    assert np.sqrt(np.mean(error**2)) < 0.05


def test_where_nothing_was_measured_it_says_what_is_foreseen():
    """As surely as before anything is known; what is measured later counts."""
    nothing, others = matches(0), matches(20)
    known = Surrogate(2, 2, foreseen=lambda x, s: 0.25 + s[:, 0] * len(x) / len(s))
    known.fit(nothing)
    told, spread = known.mean_and_spread(others.x, others.s)
    assert torch.allclose(told, 0.25 + others.s[:, 0])
    assert bool((spread > fitted().spread(others.x, others.s)).all())
    wiser = known.given(others)
    assert torch.allclose(wiser.mean(others.x, others.s), others.cost, atol=0.2)


def test_what_does_not_matter_gets_a_longer_length():
    lengths = fitted().feature_lengths.detach()
    assert lengths[1] > lengths[0] + 0.5


def test_noise_is_recognised():
    assert 0.01 < fitted().noise < 0.05


def test_the_gradient_is_that_of_the_prediction():
    surrogate = fitted()
    x, s, step = np.zeros((1, 2)), np.array([[0.3, -0.2]]), 0.02
    gradient = surrogate.gradient(x, s)[0]
    for j in range(2):
        move = step * np.eye(2)[j]
        slope = (surrogate.predict(x, s + move) - surrogate.predict(x, s - move)) / (2 * step)
        assert abs(gradient[j] - slope[0]) < 0.02


@pytest.mark.parametrize("known_instances", [True, False])
def test_a_copy_given_more_is_what_conditioning_on_everything_gives(known_instances):
    surrogate, old, new = fitted(), matches(), matches(7, seed=5)
    if not known_instances:
        new = replace(new, instance=new.instance + 1000)
    before = surrogate.predict(old.x.numpy(), old.s.numpy())
    wiser = surrogate.given(new)
    pairs = zip(vars(old).values(), vars(new).values(), strict=True)
    whole = fitted()
    whole.condition(Matches(*(torch.cat(pair) for pair in pairs)))
    x, s = matches(40, seed=8).x.numpy(), matches(40, seed=8).s.numpy()
    for instance in (int(new.instance[0]), -1):
        found, wanted = (each.predict(x, s, instance) for each in (wiser, whole))
        np.testing.assert_allclose(found, wanted, atol=2e-4)
    np.testing.assert_allclose(wiser.gradient(x, s), whole.gradient(x, s), atol=1e-3)
    np.testing.assert_array_equal(surrogate.predict(old.x.numpy(), old.s.numpy()), before)


def test_it_is_less_sure_far_away():
    surrogate, here = fitted(), torch.zeros(1, 2)
    assert surrogate.spread(here + 6.0, here) > 3 * surrogate.spread(here, here)


def test_equal_seeds_give_equal_surrogates():
    first, second = fitted(), fitted()
    assert all(
        np.array_equal(first.arrays()[name], second.arrays()[name]) for name in first.arrays()
    )


def test_squash_keeps_order_and_bounds_failures():
    costs = torch.linspace(-2, 4, 400)
    assert (squash(costs).diff() > 0).all()
    assert squash(costs).max() < 1.2
    assert torch.equal(squash(costs[:100]), costs[:100])


@pytest.mark.parametrize("straight", [True, False])
def test_a_straight_line_goes_on_where_nothing_was_measured(straight):
    rng = np.random.default_rng(0)
    x, s = rng.uniform(-1.0, 1.0, (60, 1)), rng.uniform(-1.0, 1.0, (60, 1))
    surrogate = Surrogate(1, 1, straight=straight)
    known = as_tensor(x), as_tensor(s), torch.arange(60), as_tensor(0.3 * x[:, 0] - 0.2)
    surrogate.fit(Matches(*known), steps=100)
    with torch.no_grad():
        far, nowhere = as_tensor([[0.0], [8.0]]), torch.zeros(2, 1)
        error = abs(float(surrogate.mean(far, nowhere)[1]) - 2.2)
        near, away = surrogate.spread(far, nowhere)
    assert (error < 1.0) == straight
    assert away > 2.0 * near
