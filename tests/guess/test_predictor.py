"""Laws of predictors."""

import numpy as np
import pytest

from metasolve.guess import Ridge

torch = pytest.importorskip("torch")

from benchmarks.guess_training import ConvolutionTrainee, Trainee, fit_solutions  # noqa: E402


def test_ridge_regression_is_its_closed_form(rng):
    x, z, penalty = rng.standard_normal((25, 3)), rng.standard_normal((25, 2)), 0.1
    p = (x - x.mean(axis=0)) / x.std(axis=0)
    normal = p.T @ p + penalty * 25 * np.eye(3)
    weights = np.linalg.solve(normal, p.T @ (z - z.mean(axis=0)))
    ridge = Ridge.fit(x, z, penalty)
    np.testing.assert_allclose(ridge(x), p @ weights + z.mean(axis=0), atol=1e-12)


def test_it_reproduces_polynomials_of_its_degree(rng):
    x = rng.standard_normal((40, 2))
    z = np.stack([x[:, 0] ** 2 - x[:, 1], 3 * x[:, 0] * x[:, 1] + 1], axis=1)
    exact = Ridge.fit(x, z, 0.0, degree=2)
    np.testing.assert_allclose(exact(x), z, atol=1e-10)
    assert np.abs(Ridge.fit(x, z, 0.0, degree=1)(x) - z).max() > 0.1


def test_a_feature_that_never_varied_is_ignored(rng):
    x = np.column_stack([rng.standard_normal(10), np.full(10, 0.1)])
    ridge = Ridge.fit(x, x[:, :1], 0.0)
    np.testing.assert_array_equal(ridge([1.0, 0.1]), ridge([1.0, 99.0]))


def test_the_network_is_what_was_trained(rng):
    x, z = rng.standard_normal((12, 3)), rng.standard_normal((12, 4))
    z[:, 1] = 2.0  # a coordinate that never varied is predicted as it was
    trainee = Trainee(x, z, hidden=(8, 8))
    with torch.no_grad():
        np.testing.assert_allclose(trainee.network()(x), trainee(x).numpy(), atol=1e-12)
    np.testing.assert_array_equal(trainee.network()(x[0] + 5.0)[1], 2.0)


@pytest.mark.parametrize("shape", [(16, 16), (37, 20)])
def test_the_convolutional_network_is_what_was_trained(rng, shape):
    fields, z = rng.standard_normal((6, shape[0] * shape[1])), rng.standard_normal((6, 4))
    z[:, 1] = 2.0
    trainee = ConvolutionTrainee(fields, z, shape, channels=(3, 5))
    with torch.no_grad():
        np.testing.assert_allclose(trainee.network()(fields), trainee(fields).numpy(), atol=1e-12)
    one = trainee.network()(fields[0])
    np.testing.assert_allclose(one, trainee.network()(fields)[0], atol=1e-12)
    assert one[1] == 2.0


def test_it_sees_means_over_blocks(rng):
    """What varies within blocks alone is nothing to it; 32 points make blocks of two."""
    fields, z = rng.standard_normal((5, 32 * 32)), rng.standard_normal((5, 2))
    net = ConvolutionTrainee(fields, z, (32, 32)).network()
    ripple = np.tile([1.0, -1.0], 16 * 32)
    np.testing.assert_allclose(net(fields + ripple), net(fields), atol=1e-12)


def test_it_learns_where_a_bump_is(rng):
    """Held-out bumps are located better than by the mean of those seen."""
    at = rng.uniform(0.2, 0.8, (200, 2))
    x = np.arange(24) / 24
    bumps = np.exp(-50 * ((x[:, None] - at[:, :1, None]) ** 2 + (x - at[:, 1:, None]) ** 2))
    fields = bumps.reshape(200, -1)
    trainee = ConvolutionTrainee(fields[:160], at[:160], (24, 24))
    fit_solutions(trainee, fields[:160], at[:160], steps=300)
    error = np.abs(trainee.network()(fields[160:]) - at[160:]).mean()
    assert error < 0.25 * np.abs(at[160:] - at[:160].mean(axis=0)).mean()
