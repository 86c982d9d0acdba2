"""Laws of the estimators, by exact linear algebra where possible, else by Monte Carlo."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.gradient import clip_differences, control_variate, mean, projected, tangents

KINDS = ["rademacher", "gaussian", "orthogonal", "coordinate"]
seeds = st.integers(0, 2**32)


def problem(seed, n=7, k=3, kind="gaussian"):
    rng = np.random.default_rng(seed)
    V = tangents(kind, (seed, 0, 0), k, np.ones(n, bool))
    return V, rng.standard_normal(n), rng.standard_normal(n)


def average(estimate, gradient, kind="rademacher", k=2, draws=20000):
    """Mean and standard error of an estimator over tangents."""
    active = np.ones(gradient.size, bool)
    Vs = [tangents(kind, (3, step, 0), k, active) for step in range(draws)]
    found = np.array([estimate(V, V.T @ gradient) for V in Vs])
    return found.mean(axis=0), found.std(axis=0) / np.sqrt(draws) + 1e-12


@given(seeds, st.sampled_from(KINDS))
def test_projected_is_the_orthogonal_projection(seed, kind):
    V, g, _ = problem(seed, kind=kind)
    Pg = projected(V, V.T @ g)
    np.testing.assert_allclose(projected(V, V.T @ Pg), Pg, atol=1e-10)
    np.testing.assert_allclose(V.T @ (g - Pg), 0.0, atol=1e-9)


@given(seeds, st.sampled_from(KINDS[1:]))
def test_projected_is_exact_when_tangents_span_the_active_coordinates(seed, kind):
    active = np.array([True, False, True, True, False])
    g = np.random.default_rng(seed).standard_normal(5) * active
    V = tangents(kind, (seed, 0, 0), 3, active)
    np.testing.assert_allclose(projected(V, V.T @ g), g, atol=1e-7)


@given(seeds)
def test_projected_does_not_mind_repeated_or_zero_tangents(seed):
    V, g, _ = problem(seed)
    W = np.column_stack([V, V[:, 0], -V[:, 1], np.zeros(7)])
    np.testing.assert_allclose(projected(W, W.T @ g), projected(V, V.T @ g), atol=1e-9)


def test_no_tangents_no_gradient():
    assert not projected(np.empty((3, 0)), np.empty(0)).any()
    assert not mean(np.empty((3, 0)), np.empty(0)).any()
    assert not projected(np.zeros((3, 2)), np.zeros(2), unbiased=True).any()


@pytest.mark.parametrize("kind", KINDS)
def test_mean_is_unbiased_and_so_is_projected_when_asked(kind):
    g = np.array([1.0, -2.0, 0.5, 3.0])
    for estimate in (mean, lambda V, d: projected(V, d, unbiased=True)):
        found, error = average(estimate, g, kind)
        assert np.all(np.abs(found - g) < 5 * error)


def test_unbiased_counts_active_coordinates_only():
    active = np.array([True, False, True, True, False])
    g = np.array([1.0, 0.0, -2.0, 0.5, 0.0])
    Vs = [tangents("coordinate", (0, step, 0), 1, active) for step in range(6000)]
    found = [projected(V, V.T @ g, unbiased=True, active=active) for V in Vs]
    np.testing.assert_allclose(np.mean(found, axis=0), g, atol=0.15)


def test_relative_errors_are_those_of_the_paper():
    n, k, g = 16, 4, np.ones(16)
    active, errors = np.ones(n, bool), {"mean": [], "projected": []}
    for step in range(3000):
        V = tangents("rademacher", (1, step, 0), k, active)
        for name, estimate in (("mean", mean), ("projected", projected)):
            errors[name].append(np.sum((estimate(V, V.T @ g) - g) ** 2) / n)
    assert np.mean(errors["mean"]) == pytest.approx((n - 1) / k, rel=0.1)
    assert np.mean(errors["projected"]) == pytest.approx(1 - k / n, rel=0.05)


@given(seeds, st.sampled_from(KINDS))
def test_control_variate_replaces_the_surrogate_only_where_measured(seed, kind):
    V, g, surrogate = problem(seed, kind=kind)
    P = V @ np.linalg.pinv(V)
    expected = P @ g + (np.eye(7) - P) @ surrogate
    np.testing.assert_allclose(control_variate(projected, V, V.T @ g, surrogate), expected)


@given(seeds)
def test_control_variate_is_the_formula_of_the_paper(seed):
    V, g, surrogate = problem(seed)
    d = V.T @ g
    expected = mean(V, d) - mean(V, V.T @ surrogate) + surrogate
    np.testing.assert_allclose(control_variate(mean, V, d, surrogate), expected)


@given(seeds)
def test_an_exact_surrogate_makes_every_estimator_exact(seed):
    V, g, _ = problem(seed)
    for estimate in (mean, projected):
        assert control_variate(estimate, V, V.T @ g, g).tolist() == g.tolist()


def test_control_variate_of_the_mean_is_unbiased_for_any_surrogate():
    g, surrogate = np.array([1.0, -2.0, 0.5, 3.0]), np.array([9.0, 1.0, -4.0, 0.0])
    found, error = average(lambda V, d: control_variate(mean, V, d, surrogate), g)
    assert np.all(np.abs(found - g) < 5 * error)


def test_clipping_bounds_differences_and_drops_what_is_not_a_number():
    d = np.array([-9.0, 0.5, np.inf, np.nan, -np.inf])
    assert clip_differences(d, 2.0).tolist() == [-2.0, 0.5, 2.0, 0.0, -2.0]
    assert clip_differences(d[:2], np.array([1.0, 0.1])).tolist() == [-1.0, 0.1]
