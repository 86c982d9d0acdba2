"""Laws of Frank-Wolfe: all points feasible, extreme points optimal, averaging beats the floor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasolve.errors import UsageError
from metasolve.optim import Box, FrankWolfe, L1Ball, Product, Simplex, pulled_inside

seeds = st.integers(0, 2**32)
DOMAINS = {
    "box": Box([-1.0, 0.0, 2.0, -0.5], [1.0, 0.1, 9.0, 0.5]),
    "simplex": Simplex(4),
    "l1 ball": L1Ball(4, 2.5),
    "product": Product([Simplex(2), Box([-2.0, 0.0], [0.5, 0.1])]),
}
named = pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)


def inside(domain, rng, many=30):
    """Random points of a domain: mixtures of its extreme points."""
    extreme = domain.minimiser(rng.standard_normal((many, 6, 4)))
    weights = rng.dirichlet(np.full(6, 0.3), size=many)
    return np.einsum("mi,min->mn", weights, extreme)


@named
@given(seeds)
def test_the_minimiser_is_in_the_domain_and_nothing_in_it_is_lower(domain, seed):
    rng = np.random.default_rng(seed)
    gradient = rng.standard_normal(4)
    best = domain.minimiser(gradient)
    assert domain.contains(best)
    points = inside(domain, rng)
    assert np.all(domain.contains(points))
    assert np.all(points @ gradient >= best @ gradient - 1e-12)


@named
@given(seeds, st.floats(1e-9, 1.0))
def test_probes_around_points_pulled_inside_are_feasible(domain, seed, share):
    rng = np.random.default_rng(seed)
    reach = share * domain.radius
    base = pulled_inside(domain, inside(domain, rng), reach)
    v = domain.direction(np.where(rng.random((30, 4)) < 0.5, -1.0, 1.0))
    v = v / np.max(np.abs(v), axis=-1, keepdims=True, initial=1e-12)
    assert np.all(domain.contains(base + reach * v))


@named
@given(seeds)
@settings(max_examples=20)
def test_every_iterate_and_every_probe_is_feasible(domain, seed):
    rng = np.random.default_rng(seed)
    optimiser = FrankWolfe(domain, inside(domain, rng, 3), seed=seed, step=1e-3 * domain.radius)
    for _ in range(30):
        points = optimiser.ask()
        assert np.all(domain.contains(points))
        # The worst of costs: anything at all.
        optimiser.tell(1e6 * rng.standard_cauchy(points.shape[:-1]))
        assert np.all(domain.contains(optimiser.x))


@named
def test_the_exact_gradient_finds_the_minimum(domain):
    target = inside(domain, np.random.default_rng(0), 1)[0] * 0.5 + domain.centre * 0.5
    optimiser = FrankWolfe(domain, domain.centre, averaged=False)
    for _ in range(4000):
        optimiser.advance(optimiser.x - target)
    assert np.sum((optimiser.x - target) ** 2) < 1e-4


@named
def test_the_averaged_forward_gradient_finds_the_minimum(domain):
    target = inside(domain, np.random.default_rng(0), 1)[0] * 0.5 + domain.centre * 0.5
    optimiser = FrankWolfe(domain, [domain.centre] * 3)
    for _ in range(4000):
        points = optimiser.ask()
        optimiser.tell(np.sum((points - target) ** 2, axis=-1))
    far = np.sum((domain.minimiser(np.ones(4)) - target) ** 2)
    assert np.all(np.sum((optimiser.x - target) ** 2, axis=-1) < 0.01 * far)


def test_averaging_beats_the_naive_method_a_hundred_times_in_5000_steps():
    """Rostami & Kia's point, on a quadratic on the 50-simplex, three seeds."""
    b = np.array([np.random.default_rng(seed).dirichlet(np.ones(50)) for seed in range(3)])
    gaps = {}
    for averaged in (True, False):
        optimiser = FrankWolfe(Simplex(50), np.full((3, 50), 0.02), averaged)
        for _ in range(5000):
            points = optimiser.ask()
            optimiser.tell(0.5 * np.sum((points - b[:, None]) ** 2, axis=-1))
        gaps[averaged] = 0.5 * np.sum((optimiser.x - b) ** 2, axis=-1)
    assert np.all(gaps[True] * 100 < gaps[False])


def test_a_start_that_is_worth_many_steps_is_left_by_few():
    start = np.array([0.7, 0.1, 0.1, 0.1])
    for worth, left in ((0, 1.0), (9, 2 / 11)):
        optimiser = FrankWolfe(Simplex(4), start, taken=worth)
        optimiser.advance(-np.arange(4.0))
        np.testing.assert_allclose(optimiser.x, start + left * (np.eye(4)[3] - start))


def test_runs_side_by_side_do_not_change_each_other():
    def run(starts):
        optimiser = FrankWolfe(Simplex(4), starts, seed=3)
        for _ in range(20):
            optimiser.tell(np.sum(optimiser.ask() ** 2, axis=-1))
        return optimiser.x

    starts = np.eye(4)
    assert np.array_equal(run(starts)[:2], run(starts[:2]))
    assert np.array_equal(run(starts)[0], run(starts[0]))


def test_the_impossible_is_refused():
    with pytest.raises(UsageError, match="outside"):
        FrankWolfe(Simplex(2), [0.7, 0.7])
    with pytest.raises(UsageError, match="reach"):
        pulled_inside(Simplex(4), np.eye(4)[0], 0.5)
    with pytest.raises(UsageError, match="box"):
        Box([0.0], [0.0])
    with pytest.raises(UsageError, match="simplex"):
        Simplex(1)
    with pytest.raises(UsageError, match="l1 ball"):
        L1Ball(3, 0.0)
