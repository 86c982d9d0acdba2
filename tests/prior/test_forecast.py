"""Laws: a forecast is what the file says, read by other code; parts add up to the trees."""

import math

import numpy as np
import pytest

from metasolve.prior.forecast import PARTS, forecast
from metasolve.prior.prior_file import SHIPPED, read_prior

from .prior_reader import PriorReader


@pytest.fixture(scope="module")
def told():
    """Features of some systems, what is forecast of them, and the file as the plug-in reads it."""
    prior, reader = read_prior(), PriorReader(SHIPPED.read_bytes())
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, len(prior.features)))
    X[:, prior.features.index("log_rows")] = rng.uniform(3.0, 5.5, 12)
    X[:, prior.features.index("nonzeros_per_row")] = rng.uniform(3.0, 80.0, 12)
    return X, forecast(prior, X), reader


def test_it_is_the_mean_of_the_trees_with_growth_and_size(told):
    X, found, reader = told
    for row, x in enumerate(X):
        trees = np.array(reader.trees(x))
        log_rows, per_row = (x[reader.features.index(n)] for n in ("log_rows", "nonzeros_per_row"))
        grows = np.array([candidate[2] for candidate in reader.candidates])
        seconds = trees.mean(axis=0) + max(log_rows - 4.0, 0.0) * grows
        seconds += math.log(10.0**log_rows * per_row * 1e-9)
        assert found.total[row] == pytest.approx(seconds[:, 0], abs=1e-9)
        assert found.solve[row] == pytest.approx(seconds[:, 1], abs=1e-9)


def test_parts_say_what_their_trees_say_beyond_the_mean(told):
    X, found, reader = told
    for row, x in enumerate(X):
        trees = np.array(reader.trees(x))[..., 0]
        beyond = trees - trees.mean(axis=0)
        sums = np.array([beyond[part::PARTS].sum(axis=0) for part in range(PARTS)])
        assert found.apart[row, :PARTS] == pytest.approx(sums / math.sqrt(len(trees)), abs=1e-9)
        assert (found.apart[row, PARTS] == 1.0).all()


def test_a_share_of_the_set_up_is_paid(told):
    found = told[1]
    total, solve = np.exp(found.total), np.exp(np.minimum(found.solve, found.total))
    assert np.exp(found.seconds(1.0)) == pytest.approx(total)
    assert np.exp(found.seconds(0.25)) == pytest.approx(solve + 0.25 * (total - solve))
