"""Laws of the matched surrogate: its loss is the variance left, and it knows when it is no use."""

import numpy as np
import pytest
import torch

from metasolve.errors import UsageError
from metasolve.gradient import HintedStep, control_variate, mean, slopes
from metasolve.gradient.surrogate_training import MatchedSurrogate, MatchingOptions, multilayer

H = np.array([[2.0, 0.5, 0.0, 0.1], [0.5, 1.0, -0.3, 0], [0.0, -0.3, 3.0, 0.2], [0.1, 0, 0.2, 1.5]])


def cost(z):
    return 7.0 + 0.5 * np.einsum("...i,ij,...j->...", z, H, z)


def batch(rng, many=50, k=1):
    z = rng.uniform(-1, 1, (many, 4))
    V = np.where(rng.random((many, 4, k)) < 0.5, -1.0, 1.0)
    return z, V, slopes(V, z @ H), cost(z)


def trained(rounds, options=None, seed=0):
    surrogate = MatchedSurrogate(multilayer(4, 32, seed=seed), options, seed)
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        surrogate.observe(*batch(rng))
    return surrogate


def true_rho(surrogate):
    z = np.random.default_rng(99).uniform(-1, 1, (500, 4))
    error = surrogate.gradient(z) - z @ H
    return np.sqrt(np.sum(error**2) / np.sum((z @ H) ** 2))


def test_matching_differences_learns_the_gradient_and_rho_says_so():
    surrogate = trained(300)
    assert true_rho(surrogate) < 0.3
    assert surrogate.rho == pytest.approx(true_rho(surrogate), rel=0.35)
    assert surrogate.helps


def test_extra_steps_on_replayed_probes_learn_more_from_as_many_calls():
    plain = trained(40)
    replaying = trained(40, MatchingOptions(extra_steps=8))
    assert true_rho(replaying) < 0.7 * true_rho(plain)


def test_a_surrogate_that_settles_averages_noise():
    """At a constant rate it follows the noise of the last few batches for ever."""

    def error(settling):
        options, rng = MatchingOptions(settling=settling), np.random.default_rng(5)
        surrogate, errors = MatchedSurrogate(multilayer(4, 32), options), []
        for turn in range(1200):
            z, V, d, values = batch(rng, many=10)
            surrogate.observe(z, V, d + 3.0 * rng.standard_normal(d.shape), values)
            if turn > 1000 and turn % 20 == 0:
                errors.append(true_rho(surrogate))
        return np.mean(errors)

    assert error(30) < 0.7 * error(10**9)


def test_matching_values_too_gets_the_values_right():
    surrogate = trained(300, MatchingOptions(value_weight=1.0))
    z = np.random.default_rng(99).uniform(-1, 1, (200, 4))
    assert np.std(surrogate.values(z) - cost(z)) < 0.3 * np.std(cost(z))


def test_the_scale_of_the_cost_does_not_matter():
    small, large = (MatchedSurrogate(multilayer(4, 16), seed=0) for _ in range(2))
    rng = np.random.default_rng(0)
    for _ in range(30):
        z, V, d, values = batch(rng)
        small.observe(z, V, d, values)
        large.observe(z, V, 1e6 * d, 1e6 * values)
    assert large.rho == pytest.approx(small.rho, rel=1e-3)
    np.testing.assert_allclose(large.gradient(z), 1e6 * small.gradient(z), rtol=1e-2, atol=1e4)


def test_before_any_probe_and_while_it_is_wrong_the_plain_estimator_is_used():
    surrogate = MatchedSurrogate(multilayer(4), MatchingOptions(learning_rate=1e-9))
    z, V, d, values = batch(np.random.default_rng(0))
    assert surrogate.rho == np.inf
    assert not surrogate.trusted_gradient(z).any()
    with torch.no_grad():
        surrogate.network[-2].weight.mul_(100.0)  # a surrogate that is worse than none
    surrogate.observe(z, V, d, values)
    assert surrogate.rho > 1
    plain = control_variate(mean, V, d, surrogate.trusted_gradient(z))
    assert np.array_equal(plain, mean(V, d))


def test_the_corrected_estimate_is_unbiased_and_its_variance_the_loss(mean_is):
    surrogate, rng = trained(100), np.random.default_rng(1)
    z = np.tile(rng.uniform(-1, 1, 4), (20000, 1))
    V = np.where(rng.random((20000, 4, 1)) < 0.5, -1.0, 1.0)
    d, believed = slopes(V, z @ H), surrogate.trusted_gradient(z)
    found = control_variate(mean, V, d, believed)
    mean_is(found, (z @ H)[0])
    loss = (d - slopes(V, believed))[:, 0] ** 2
    mean_is(np.sum((found - z @ H) ** 2, axis=1), 3 * loss.mean(), errors=8)


def test_what_is_not_finite_is_refused():
    surrogate = MatchedSurrogate(multilayer(4))
    z, V, d, values = batch(np.random.default_rng(0))
    with pytest.raises(UsageError, match="finite"):
        surrogate.observe(z, V, np.where(d > 0, np.inf, d), values)


def test_same_seed_same_surrogate():
    options = MatchingOptions(extra_steps=2)
    z = np.ones((1, 4))
    assert np.array_equal(trained(5, options).gradient(z), trained(5, options).gradient(z))


def descend(hint_of, steps=300, n=20, seed=0):
    """Gap after safeguarded steps on ½ xᵀ D x, eigenvalues from 0.1 to 1."""
    rng, D = np.random.default_rng(seed), np.linspace(0.1, 1.0, n)
    x, safeguard, gaps = rng.standard_normal(n), HintedStep(lipschitz=1.0), []
    for _ in range(steps):
        gradient = D * x
        hint = hint_of(gradient, rng)
        hint = hint / np.linalg.norm(hint)
        V = np.where(rng.random((n, 2)) < 0.5, -1.0, 1.0)
        x = x + safeguard.move(hint, hint @ gradient, V, slopes(V, gradient))
        gaps.append(0.5 * np.sum(D * x**2))
    return np.array(gaps), safeguard


def test_a_perfect_hint_gives_gradient_descent():
    gaps, safeguard = descend(lambda gradient, _: gradient)
    assert safeguard.sine_squared == pytest.approx(0.0, abs=1e-12)
    assert safeguard.size(20, 2) == pytest.approx(1.0)
    assert np.all(np.diff(gaps[1:]) < 0)
    assert gaps[-1] < 1e-20


@pytest.mark.parametrize(
    "hint", [lambda g, rng: rng.standard_normal(g.size), lambda g, _: -g, lambda g, _: g[::-1]]
)
def test_descent_whatever_the_hint(hint):
    """f - f* <= (1 - μη)^T-like decay in the mean, η >= (1/L)/(1 + (n - 1)/k)."""
    final = [descend(hint, seed=seed)[0][-1] for seed in range(10)]
    start = [descend(hint, steps=1, seed=seed)[0][0] for seed in range(10)]
    worst_rate = 1.0 - 0.1 / (1 + 19 / 2)
    assert np.mean(final) < np.mean(start) * worst_rate**250


def test_the_safeguard_measures_the_angle():
    def at_an_angle(gradient, rng):
        across = rng.standard_normal(gradient.size)
        across -= across @ gradient * gradient / (gradient @ gradient)
        unit = gradient / np.linalg.norm(gradient)
        return np.sqrt(0.75) * unit + 0.5 * across / np.linalg.norm(across)

    found = np.mean([descend(at_an_angle, 60, seed=s)[1].sine_squared for s in range(10)])
    assert found == pytest.approx(0.25, abs=0.08)
