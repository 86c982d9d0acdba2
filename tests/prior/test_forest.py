import numpy as np
import pytest

from metasolve.prior.forest import UNIT, Forest, fit

ensemble = pytest.importorskip("sklearn.ensemble")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 6))
    Y = np.stack([X[:, :3] ** 2, X[:, 3:]], axis=2)
    return X, Y


def test_it_says_what_scikit_learn_says(data):
    X, Y = data
    forest = fit(X, Y, trees=7, leaves=20)
    theirs = ensemble.ExtraTreesRegressor(
        7, min_samples_leaf=2, max_leaf_nodes=20, random_state=0
    ).fit(X, Y.reshape(len(Y), -1))
    rng = np.random.default_rng(1)
    for x in rng.standard_normal((200, 6)):
        each = np.array([tree.predict(x[None])[0] for tree in theirs.estimators_])
        assert np.abs(forest(x).reshape(7, -1) - each).max() <= 0.5 / UNIT + 1e-12


def test_a_guide_decides_on_splits_and_leaves_hold_means_of_the_outputs(data):
    X, Y = data
    forest = fit(X, Y, X[:, [0, 0]], trees=5, leaves=4)
    assert np.mean(forest.feature == 0) > 0.5
    told = np.array([forest(x) for x in X])
    assert told.mean(axis=0) == pytest.approx(np.tile(Y.mean(axis=0), (5, 1, 1)), abs=1 / UNIT)


def test_it_is_the_same_for_the_same_data(data):
    one, other = fit(*data, trees=5), fit(*data, trees=5)
    for name in Forest.__dataclass_fields__:
        assert (getattr(one, name) == getattr(other, name)).all()


def test_leaves_are_bounded(data):
    forest = fit(*data, trees=5, leaves=4)
    assert len(forest.value) <= 20
    assert len(forest.feature) == len(forest.value) - 5


def test_one_that_cannot_be_split_is_a_leaf():
    forest = fit(np.zeros((4, 2)), np.ones((4, 3, 2)), trees=2)
    assert len(forest.feature) == 0
    assert (forest.root == [-1, -2]).all()
    assert (forest(np.zeros(2)) == 1.0).all()


def test_mean_and_spread_are_over_trees(data):
    forest = fit(*data, trees=5)
    mean, spread = forest.mean_and_spread(data[0][0])
    assert mean == pytest.approx(forest(data[0][0]).mean(axis=0))
    assert spread == pytest.approx(forest(data[0][0]).std(axis=0))
