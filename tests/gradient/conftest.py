"""What tests of statistical laws share."""

import numpy as np
import pytest


def draw_tangents(kind, n, k, draws, seed=0):
    """Independent tangents (draws, n, k), as `metasolve.gradient.tangents` defines each kind."""
    rng = np.random.default_rng([seed, n, k])
    if kind == "rademacher":
        return np.where(rng.random((draws, n, k)) < 0.5, -1.0, 1.0)
    V = rng.standard_normal((draws, n, k))
    if kind == "gaussian":
        return V
    return np.sqrt(n) * np.linalg.qr(V)[0]


@pytest.fixture
def many_tangents():
    """`many_tangents(kind, n, k, draws, seed=0)`: an array (draws, n, k)."""
    return draw_tangents


def check_mean(samples, expected, errors=5.0):
    """The mean of samples (draws, ...) is the expected one within so many standard errors."""
    error = samples.std(axis=0) / np.sqrt(len(samples))
    assert np.all(np.abs(samples.mean(axis=0) - expected) <= errors * error + 1e-9)


@pytest.fixture
def mean_is():
    """`mean_is(samples, expected, errors=5)`: fails beyond so many standard errors."""
    return check_mean
