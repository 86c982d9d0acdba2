"""Fields from grid to grid: exact where Lagrange's cubics are, of fourth order elsewhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasolve.guess.resampling import resample


def field(points, function):
    """A function of the coordinates in [0, 1], at the points of a grid; one component."""
    axes = [np.arange(n) / max(n - 1, 1) for n in points]
    return function(*np.meshgrid(*axes, indexing="ij"))[..., None]


sizes = st.integers(4, 12)


@settings(max_examples=20, deadline=None)
@given(
    st.tuples(sizes, sizes), st.tuples(st.integers(1, 30), st.integers(1, 30)), st.integers(0, 99)
)
def test_cubics_are_reproduced(coarse, fine, seed):
    c = np.random.default_rng(seed).normal(size=(4, 4))

    def cubic(y, x):
        return np.polynomial.polynomial.polyval2d(y, x, c)

    result = resample(field(coarse, cubic), fine)
    np.testing.assert_allclose(result, field(fine, cubic), atol=1e-10)


@pytest.mark.parametrize("points", [(1, 1, 7), (1, 5, 6), (3, 4, 2)])
def test_its_own_grid_changes_nothing(points):
    x = np.random.default_rng(1).normal(size=(*points, 3))
    np.testing.assert_array_equal(resample(x, points), x)


def test_the_error_is_of_fourth_order():
    def smooth(y, x):
        return np.sin(5 * x) * np.exp(y)

    errors = [
        np.abs(resample(field((n, n), smooth), (97, 89)) - field((97, 89), smooth)).max()
        for n in (9, 17, 33)
    ]
    assert errors[0] / errors[1] > 10
    assert errors[1] / errors[2] > 10
