"""Kernel regression: what depends smoothly on a few numbers is found between the rows."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metasolve.guess.kernel import Kernel


def rows(count, seed):
    theta = np.random.default_rng(seed).uniform(-1, 1, (count, 2))
    return theta, np.column_stack([np.sin(2 * theta[:, 0]), np.exp(theta[:, 1]), theta.sum(1)])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_smooth_dependence_is_learned_in_any_unit(seed, unit):
    theta, z = rows(60, seed)
    new, expected = rows(20, seed + 1)
    new = 0.8 * new
    expected = np.column_stack([np.sin(2 * new[:, 0]), np.exp(new[:, 1]), new.sum(1)])
    found = Kernel.fit(unit * theta, unit * z)(unit * new)
    np.testing.assert_allclose(found, unit * expected, atol=2e-2 * unit)


def test_what_is_left_out_is_predicted_by_the_others():
    theta, z = rows(30, 4)
    kernel = Kernel.fit(theta, z)
    for row in range(30):
        left = np.arange(30) != row
        apart = (theta[left, None] - theta[None, left]) ** 2
        K = np.exp(-(apart @ kernel.sharpness))
        weights = np.linalg.lstsq(K, z[left] - kernel.mean, rcond=1e-13)[0]
        again = replace(kernel, centres=theta[left], weights=weights)
        apart = np.linalg.norm(again(theta[row]) - kernel.left_out[row])
        assert apart <= 0.02 * np.linalg.norm(z[row])


def test_a_feature_on_which_nothing_depends_is_found_out():
    rng = np.random.default_rng(5)
    theta, z = rows(40, 6)
    noise = rng.uniform(-1, 1, (40, 2))
    kernel = Kernel.fit(np.column_stack([theta, noise]), z)
    assert kernel.sharpness[2:].max() < 0.2 * kernel.sharpness[:2].min()
    error = np.linalg.norm(kernel.left_out - z)
    assert error < 0.1 * np.linalg.norm(z)


def test_one_row_or_equal_rows_are_no_error():
    kernel = Kernel.fit(np.ones((5, 3)), np.ones((5, 2)))
    np.testing.assert_allclose(kernel(np.ones(3)), 1.0)
