"""Laws of directional differences: points out, costs in, exact where they should be."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from metasolve.errors import UsageError
from metasolve.gradient import forward_mode, mean, method, probes, slopes

seeds = st.integers(0, 2**32)
A = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 3.0]])


def quadratic(z):
    return 0.5 * np.einsum("...i,ij,...j->...", z, A, z)


@given(seeds)
def test_central_differences_of_a_quadratic_are_exact_and_forward_ones_half_a_curvature_off(seed):
    rng = np.random.default_rng(seed)
    z, V, step = rng.standard_normal((4, 3)), rng.standard_normal((4, 3, 2)), 0.5
    exact = slopes(V, z @ A)
    central, forward = probes(z, V, step, "central"), probes(z, V, step)
    assert central.points.shape == (4, 4, 3)
    assert forward.points.shape == (4, 3, 3)
    found = central.differences(quadratic(central.points))
    np.testing.assert_allclose(found, exact, atol=1e-9)
    curvature = np.einsum("nik,ij,njk->nk", V, A, V)
    found = forward.differences(quadratic(forward.points))
    np.testing.assert_allclose(found, exact + step / 2 * curvature, atol=1e-9)


@given(seeds, st.sampled_from(["forward", "central"]))
def test_calls_can_be_made_one_by_one_and_given_back_flat(seed, scheme):
    rng = np.random.default_rng(seed)
    z, V = rng.standard_normal((2, 3)), rng.standard_normal((2, 3, 4))
    asked = probes(z, V, 1e-3, scheme)
    flat = [quadratic(item) for item in asked.items]
    together = asked.differences(quadratic(asked.points))
    np.testing.assert_allclose(asked.differences(flat), together, rtol=1e-10)
    assert len(flat) == 2 * method("mean" if scheme == "forward" else "smoothed").calls(4, 3)


def test_every_tangent_may_have_its_own_step():
    steps = np.array([1e-3, 1.0])
    asked = probes(np.zeros(3), np.eye(3)[:, :2], steps)
    np.testing.assert_allclose(asked.points[1:], np.diag(steps) @ np.eye(3)[:2])
    found = asked.differences(quadratic(asked.points))
    np.testing.assert_allclose(found, steps * np.diag(A)[:2] / 2)


@given(seeds)
def test_forward_mode_is_the_gradient_along_the_tangents(seed):
    rng = np.random.default_rng(seed)
    z, V = rng.standard_normal((5, 3)), rng.standard_normal((5, 3, 2))

    def function(x):
        return 0.5 * ((x @ torch.as_tensor(A)) * x).sum(dim=-1)

    values, d = forward_mode(function, torch.as_tensor(z), torch.as_tensor(V))
    np.testing.assert_allclose(values.numpy(), quadratic(z), atol=1e-12)
    np.testing.assert_allclose(d.numpy(), slopes(V, z @ A), atol=1e-10)


@pytest.mark.parametrize("point", [0.0, 0.3, 1.1])
def test_smoothing_gives_a_staircase_the_slope_of_its_average(point, many_tangents, mean_is):
    """Central differences with a Gaussian of the size of a tread: unbiased for the smoothed cost.

    Smoothed with σ, floor(z) has slope Σ_j N(j; z, σ²) over its edges j.
    """
    sigma, V = 0.6, many_tangents("gaussian", 1, 1, 40000)
    asked = probes(np.full((40000, 1), point), V, sigma, "central")
    found = mean(V, asked.differences(np.floor(asked.points[..., 0])))[:, 0]
    edges = np.arange(-20, 21)
    slope = np.exp(-0.5 * ((edges - point) / sigma) ** 2).sum() / (sigma * np.sqrt(2 * np.pi))
    mean_is(found, slope)


def test_what_makes_no_difference_is_refused():
    with pytest.raises(UsageError, match="greater than 0"):
        probes(np.zeros(2), np.eye(2), 0.0)
    with pytest.raises(UsageError, match="did you mean 'central'"):
        probes(np.zeros(2), np.eye(2), 1.0, "centrel")
