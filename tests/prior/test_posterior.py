"""Laws: what is known after some solves is the Gaussian that Bayes' rule gives."""

import numpy as np
import pytest

from metasolve.prior.forecast import PARTS
from metasolve.prior.posterior import NAMED, NOISE, SHARE, UNNAMED, Posterior, Seen

K = 4


@pytest.fixture(scope="module")
def seen():
    rng = np.random.default_rng(0)
    parts = np.column_stack([rng.normal(size=(30, PARTS)), np.ones(30)])
    return [Seen(int(rng.integers(-1, K)), rng.normal(), apart) for apart in parts]


def covariance(posterior):
    return posterior.root @ posterior.root.T


def test_nothing_seen_is_the_prior():
    posterior = Posterior.of(K, [])
    variances = [*(PARTS + 1) * [SHARE], *K * [NAMED**2], UNNAMED**2]
    assert (posterior.mean == 0.0).all()
    assert covariance(posterior) == pytest.approx(np.diag(variances))


def test_one_by_one_is_the_same_as_all_at_once(seen):
    """A Kalman filter without forgetting."""
    mean, P = np.zeros(PARTS + 2 + K), covariance(Posterior.of(K, []))
    for each in seen:
        x = np.zeros(len(mean))
        x[: PARTS + 1] = each.apart
        x[PARTS + 1 + each.candidate if each.candidate >= 0 else -1] = 1.0
        gain = P @ x / (x @ P @ x + NOISE**2)
        mean, P = mean + gain * (each.beyond - x @ mean), P - np.outer(gain, x @ P)
    posterior = Posterior.of(K, seen)
    assert posterior.mean == pytest.approx(mean, abs=1e-9)
    assert covariance(posterior) == pytest.approx(P, abs=1e-9)


def test_what_was_seen_often_is_expected_again():
    apart = np.zeros((1, PARTS + 1, K))
    apart[:, PARTS] = 1.0
    often = [Seen(2, 0.7, apart[0, :, 2])] * 200
    expected = Posterior.of(K, often).beyond(apart)[0]
    assert expected[2] == pytest.approx(0.7, abs=0.01)
    assert 0.5 < expected[0] < 0.7  # a slow machine is slow for all; what is left is its own


def test_draws_have_its_mean_and_deviation(seen):
    posterior, rng = Posterior.of(K, seen), np.random.default_rng(1)
    apart = np.random.default_rng(2).normal(size=(1, PARTS + 1, K))
    drawn = np.array([posterior.draw(apart, rng)[0] for _ in range(20_000)])
    A = np.concatenate([apart[0], np.eye(K)])
    deviation = np.sqrt(np.diag(A.T @ covariance(posterior)[:-1, :-1] @ A))
    assert drawn.mean(axis=0) == pytest.approx(posterior.beyond(apart)[0], abs=0.05)
    assert drawn.std(axis=0) == pytest.approx(deviation, rel=0.03)


def test_what_is_hopelessly_far_away_counts_as_far_away():
    apart = np.append(np.zeros(PARTS), 1.0)
    one, other = (Posterior.of(K, [Seen(0, beyond, apart)]).mean for beyond in (3.0, 40.0))
    assert (one == other).all()
