"""Laws of the estimators, by exact linear algebra where possible, else by Monte Carlo."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaln

from metasolve.errors import UsageError
from metasolve.gradient import (
    METHODS,
    believable,
    clip_differences,
    control_variate,
    mean,
    method,
    optimal_weight,
    projected,
    sign,
    slopes,
    tangents,
)

KINDS = ["rademacher", "gaussian", "orthogonal", "hadamard", "coordinate"]
ISOTROPIC = ["rademacher", "gaussian", "orthogonal"]
G = np.array([1.0, -2.0, 0.5, 3.0, 0.0, -0.7])
SURROGATE = np.array([9.0, 1.0, -4.0, 0.0, 2.0, -0.7])
seeds = st.integers(0, 2**32)


def unbiased(V, d):
    return projected(V, d, unbiased=True)


def problem(seed, n=7, k=3, kind="gaussian"):
    rng = np.random.default_rng(seed)
    V = tangents(kind, (seed, 0, 0), k, np.ones(n, bool))
    return V, rng.standard_normal(n), rng.standard_normal(n)


def squared_errors(estimates, gradient):
    return np.sum((estimates - gradient) ** 2, axis=-1) / np.sum(gradient**2)


@given(seeds, st.sampled_from(KINDS))
def test_projected_is_the_orthogonal_projection(seed, kind):
    V, g, _ = problem(seed, kind=kind)
    Pg = projected(V, V.T @ g)
    np.testing.assert_allclose(projected(V, V.T @ Pg), Pg, atol=1e-10)
    np.testing.assert_allclose(V.T @ (g - Pg), 0.0, atol=1e-9)


@given(seeds, st.sampled_from(["gaussian", "orthogonal", "coordinate"]))
def test_projected_is_exact_when_tangents_span_the_active_coordinates(seed, kind):
    active = np.array([True, False, True, True, False])
    g = np.random.default_rng(seed).standard_normal(5) * active
    V = tangents(kind, (seed, 0, 0), 3, active)
    for estimate in (projected, lambda V, d: projected(V, d, unbiased=True, active=active)):
        np.testing.assert_allclose(estimate(V, V.T @ g), g, atol=1e-7)


@given(seeds, st.sampled_from(["orthogonal", "hadamard", "coordinate"]))
def test_the_mean_is_exact_for_as_many_orthogonal_tangents_as_coordinates(seed, kind):
    V, g, _ = problem(seed, n=8, k=8, kind=kind)
    np.testing.assert_allclose(mean(V, V.T @ g), g, atol=1e-9)


@given(seeds)
def test_projected_does_not_mind_repeated_or_zero_tangents(seed):
    V, g, _ = problem(seed)
    W = np.column_stack([V, V[:, 0], -V[:, 1], np.zeros(7)])
    np.testing.assert_allclose(projected(W, W.T @ g), projected(V, V.T @ g), atol=1e-9)


@given(seeds, st.sampled_from(["mean", "projected", "unbiased", "sign"]))
def test_batches_are_their_rows(seed, name):
    rng = np.random.default_rng(seed)
    V, d = rng.standard_normal((2, 3, 5, 4)), rng.standard_normal((2, 3, 4))
    V[1, 2, :, 3] = V[1, 2, :, 0]  # one of them rank deficient
    found = METHODS[name].estimate(V, d)
    for index in np.ndindex(2, 3):
        row = METHODS[name].estimate(V[index], d[index])
        np.testing.assert_allclose(found[index], row, atol=1e-12)


def test_no_tangents_no_gradient():
    assert not projected(np.empty((3, 0)), np.empty(0)).any()
    assert not mean(np.empty((3, 0)), np.empty(0)).any()
    assert not projected(np.zeros((3, 2)), np.zeros(2), unbiased=True).any()


@pytest.mark.parametrize("kind", ISOTROPIC)
@pytest.mark.parametrize("estimate", [mean, unbiased])
def test_mean_is_unbiased_and_so_is_scaled_projection(kind, estimate, many_tangents, mean_is):
    V = many_tangents(kind, 6, 2, 20000)
    mean_is(estimate(V, slopes(V, G)), G)


def test_projection_is_shorter_than_the_gradient_by_k_over_n(many_tangents, mean_is):
    V = many_tangents("gaussian", 6, 2, 20000)
    mean_is(projected(V, slopes(V, G)), G * 2 / 6)


def test_unbiased_counts_active_coordinates_only():
    active = np.array([True, False, True, True, False])
    g = np.array([1.0, 0.0, -2.0, 0.5, 0.0])
    Vs = np.array([tangents("coordinate", (0, step, 0), 1, active) for step in range(3000)])
    found = projected(Vs, slopes(Vs, g), unbiased=True, active=active)
    np.testing.assert_allclose(found.mean(axis=0), g, atol=0.2)


@pytest.mark.parametrize(("n", "k"), [(8, 1), (16, 4), (12, 12)])
def test_relative_errors_are_those_of_the_papers(n, k, many_tangents, mean_is):
    g = np.linspace(-1.0, 2.0, n)
    laws = {
        ("mean", "rademacher"): (n - 1) / k,
        ("mean", "gaussian"): (n + 1) / k,
        ("projected", "gaussian"): 1 - k / n,
        ("projected", "orthogonal"): 1 - k / n,
        ("unbiased", "gaussian"): n / k - 1,
        ("mean", "orthogonal"): n / k - 1,
    }
    for (name, kind), law in laws.items():
        V = many_tangents(kind, n, k, 4000)
        found = METHODS[name].estimate(V, slopes(V, g))
        mean_is(squared_errors(found, g), law)


@pytest.mark.parametrize(("n", "k"), [(16, 1), (16, 4), (64, 16)])
def test_cosine_of_the_projection_is_a_ratio_of_chi_means(n, k, many_tangents, mean_is):
    def chi(m):
        return np.sqrt(2) * np.exp(gammaln((m + 1) / 2) - gammaln(m / 2))

    g, V = np.arange(1.0, n + 1), many_tangents("gaussian", n, k, 3000)
    Pg = projected(V, slopes(V, g))
    cosine = Pg @ g / np.linalg.norm(Pg, axis=-1) / np.linalg.norm(g)
    mean_is(cosine, chi(k) / chi(n))
    assert chi(k) / chi(n) == pytest.approx(np.sqrt(k / n), rel=0.22)


@given(seeds, st.sampled_from(KINDS))
def test_control_variate_replaces_the_surrogate_only_where_measured(seed, kind):
    V, g, surrogate = problem(seed, kind=kind)
    P = V @ np.linalg.pinv(V)
    expected = P @ g + (np.eye(7) - P) @ surrogate
    found = control_variate(projected, V, V.T @ g, surrogate)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert np.linalg.norm(found - g) <= np.linalg.norm(surrogate - g) + 1e-12


@given(seeds)
def test_control_variate_is_the_formula_of_the_paper(seed):
    V, g, surrogate = problem(seed)
    d = V.T @ g
    expected = mean(V, d) - mean(V, V.T @ surrogate) + surrogate
    np.testing.assert_allclose(control_variate(mean, V, d, surrogate), expected)


@given(seeds)
def test_an_exact_surrogate_makes_every_estimator_exact(seed):
    V, g, _ = problem(seed)
    for estimate in (mean, projected, unbiased):
        assert control_variate(estimate, V, slopes(V, g), g).tolist() == g.tolist()


@pytest.mark.parametrize("kind", ISOTROPIC)
@pytest.mark.parametrize("estimate", [mean, unbiased])
def test_control_variate_is_unbiased_for_any_surrogate(kind, estimate, many_tangents, mean_is):
    V = many_tangents(kind, 6, 2, 20000)
    for surrogate in (SURROGATE, -G, 0 * G):
        mean_is(control_variate(estimate, V, slopes(V, G), surrogate), G)


@pytest.mark.parametrize(("kind", "factor"), [("rademacher", 5), ("gaussian", 7)])
def test_variance_of_the_control_variate_is_the_loss_of_derivative_matching(
    kind, factor, many_tangents, mean_is
):
    """E‖h - ∇f‖² = (n ∓ 1)‖a‖² and E (D_v f - D_v f̂)² = ‖a‖², a = ∇f - ∇f̂, n = 6."""
    V = many_tangents(kind, 6, 1, 40000)
    power = np.sum((G - SURROGATE) ** 2)
    h = control_variate(mean, V, slopes(V, G), SURROGATE)
    mean_is(np.sum((h - G) ** 2, axis=-1), factor * power)
    mean_is((slopes(V, G) - slopes(V, SURROGATE))[:, 0] ** 2, power)


@given(st.floats(0.0, 2.0), seeds)
def test_a_control_variate_helps_if_and_only_if_rho_is_below_one(rho, seed):
    """Rademacher, exactly: E‖h - ∇f‖² = (n - 1)ρ²‖∇f‖² against (n - 1)‖∇f‖², over all signs."""
    rng = np.random.default_rng(seed)
    g, a = rng.standard_normal((2, 4))
    a *= rho * np.linalg.norm(g) / np.linalg.norm(a)
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * 4)).reshape(4, -1).T[..., None]
    h = control_variate(mean, signs, slopes(signs, g), g - a)
    np.testing.assert_allclose(h.mean(axis=0), g, atol=1e-10)
    assert squared_errors(h, g).mean() == pytest.approx(3 * rho**2, abs=1e-9)


def test_the_optimal_weight_minimises_the_variance(many_tangents):
    V = many_tangents("rademacher", 6, 1, 20000)
    exact = G @ SURROGATE / (SURROGATE @ SURROGATE)
    weight = optimal_weight(slopes(V, G), slopes(V, SURROGATE))
    assert weight == pytest.approx(exact, abs=0.02)

    def error(beta):
        return np.sum((G - beta * SURROGATE) ** 2)

    assert error(weight) < min(error(0.0), error(1.0))
    assert optimal_weight([1.0, 2.0], [0.0, 0.0]) == 0.0


@given(seeds)
def test_a_scaled_surrogate_gets_the_inverse_weight(seed):
    d = np.random.default_rng(seed).standard_normal(5)
    assert optimal_weight(d, 3.0 * d) == pytest.approx(1 / 3)


def test_sign_is_a_descent_direction_deaf_to_outliers(many_tangents):
    V = many_tangents("rademacher", 6, 1, 20000)
    found = sign(V, slopes(V, G)).mean(axis=0)
    assert found @ G > 0.5 * np.linalg.norm(G) * np.linalg.norm(found)
    d = np.array([1.0, -2.0])
    assert np.array_equal(sign(V[0, :, [0, 0]].T, d), sign(V[0, :, [0, 0]].T, 1e9 * d))


def test_clipping_bounds_differences_and_drops_what_is_not_a_number():
    d = np.array([-9.0, 0.5, np.inf, np.nan, -np.inf])
    assert clip_differences(d, 2.0).tolist() == [-2.0, 0.5, 2.0, 0.0, -2.0]
    assert clip_differences(d[:2], np.array([1.0, 0.1])).tolist() == [-1.0, 0.1]


@given(seeds, st.floats(1e3, 1e9))
def test_what_is_believable_does_not_depend_on_outliers_and_scales(seed, size):
    d = np.random.default_rng(seed).standard_normal(101)
    spoilt = np.where(np.arange(101) < 20, size, d)
    assert believable(spoilt) < 3 * believable(d)
    assert believable(7.0 * d) == pytest.approx(7.0 * believable(d))
    assert np.array_equal(clip_differences(d, believable(d, 10)), d)


def test_on_a_staircase_everything_is_believable():
    assert believable([0.0, 0.0, 0.0, 5.0]) == np.inf
    assert believable([]) == np.inf


def test_methods_are_found_by_name_with_their_calls():
    assert method("full").calls(2, 6) == 7
    assert method("projected").calls(2, 6) == 3
    assert method("smoothed").calls(2, 6) == 4
    with pytest.raises(UsageError, match="did you mean 'projected'"):
        method("projcted")


@given(seeds)
def test_full_is_exact_whatever_is_asked_for(seed):
    active = np.array([True, True, False, True])
    g = np.random.default_rng(seed).standard_normal(4) * active
    V = method("full").tangents("rademacher", (seed, 0, 0), 1, active)
    np.testing.assert_allclose(method("full").gradient(V, V.T @ g), g, atol=1e-12)


def test_sign_takes_no_control_variate_and_the_others_do():
    V, g, surrogate = problem(0)
    with pytest.raises(UsageError, match="sign"):
        method("sign").gradient(V, V.T @ g, surrogate)
    found = method("mean").gradient(V, V.T @ g, surrogate)
    assert np.array_equal(found, control_variate(mean, V, V.T @ g, surrogate))
