"""Laws of tangents: the key says all; isotropic; zero where not active."""

import numpy as np
import pytest

from metasolve.errors import UsageError
from metasolve.gradient import generator, tangents

KINDS = ["rademacher", "gaussian", "orthogonal", "hadamard", "coordinate"]
ACTIVE = np.array([True, False, True, True, False, True])


@pytest.mark.parametrize("kind", KINDS)
def test_same_key_same_bits_in_whatever_order(kind):
    keys = [(seed, step, i) for seed in (0, 7) for step in range(3) for i in range(3)]
    forward = {key: tangents(kind, key, 3, ACTIVE).tobytes() for key in keys}
    backward = {key: tangents(kind, key, 3, ACTIVE).tobytes() for key in reversed(keys)}
    assert forward == backward
    if kind != "coordinate":
        assert len({*(tangents(kind, key, 4, np.ones(64, bool)).tobytes() for key in keys)}) == 18


@pytest.mark.parametrize("kind", KINDS)
def test_more_tangents_begin_with_the_same_ones(kind):
    few, more = (tangents(kind, (1, 2, 3), k, ACTIVE) for k in (2, 4))
    np.testing.assert_allclose(few, more[:, :2], atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_isotropic_on_active_coordinates_and_zero_elsewhere(kind):
    draws = [tangents(kind, (0, step, 5), 4, ACTIVE) for step in range(4000)]
    V = np.concatenate(draws, axis=1)
    assert not V[~ACTIVE].any()
    np.testing.assert_allclose(V @ V.T / V.shape[1], np.diag(ACTIVE.astype(float)), atol=0.06)
    if kind != "gaussian":
        np.testing.assert_allclose(np.linalg.norm(V, axis=0), 2.0)


@pytest.mark.parametrize("kind", ["orthogonal", "hadamard", "coordinate"])
def test_orthogonal_kinds_are(kind):
    V = tangents(kind, (0, 0, 0), 4, ACTIVE)
    np.testing.assert_allclose(V.T @ V, 4.0 * np.eye(4), atol=1e-12)


def test_rademacher_signs_are_fixed_for_ever():
    V = tangents("rademacher", (1, 2, 3), 2, np.ones(4, bool))
    assert V.T.tolist() == [[-1.0, 1.0, -1.0, 1.0], [1.0, 1.0, -1.0, 1.0]]


def test_streams_of_one_key_differ_from_each_other_and_between_instances():
    draws = [generator((0, 0, i), s).integers(2**60) for i in range(5) for s in range(1, 5)]
    assert len(set(draws)) == 20


def test_no_active_coordinates_give_no_direction():
    assert not tangents("rademacher", (0, 0, 0), 2, np.zeros(3, bool)).any()


def test_the_impossible_is_refused():
    with pytest.raises(UsageError, match="k=5"):
        tangents("orthogonal", (0, 0, 0), 5, ACTIVE)
    with pytest.raises(UsageError, match="did you mean 'gaussian'"):
        tangents("gausian", (0, 0, 0), 1, ACTIVE)
    with pytest.raises(UsageError, match="negative"):
        tangents("gaussian", (-1, 0, 0), 1, ACTIVE)


@pytest.mark.parametrize("n", [1, 2, 3, 6, 16, 100])
def test_hadamard_tangents_are_signs_and_orthogonal_where_n_is_a_power_of_two(n):
    V = tangents("hadamard", (4, 0, 0), n, np.ones(n, bool))
    assert set(np.unique(V)) <= {-1.0, 1.0}
    if n & (n - 1) == 0:
        assert np.array_equal(V.T @ V, n * np.eye(n))
