"""Laws of the score function, by exact expectation over all arms of a space."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.gradient import arm_log_probabilities, arm_scores, score_gradient
from metasolve.space import Choice, Flag, Real, Space

SPACE = Space(
    (
        Choice("pc", ("jacobi", "sor", "gamg")),
        Real("omega", 0.1, 1.9, when={"pc": ("sor",)}),
        Flag("square", when={"pc": ("gamg",)}),
        Choice("smoother", ("a", "b"), when={"square": (True,)}),
        Flag("scale"),
    )
)
ARMS = len(SPACE.arms())
vectors = st.lists(st.floats(-8, 8), min_size=SPACE.dim, max_size=SPACE.dim).map(np.array)
costs = st.lists(st.floats(-5, 5), min_size=ARMS, max_size=ARMS).map(np.array)


def expected_cost(z, values):
    return np.exp(arm_log_probabilities(SPACE, z)) @ values


def difference_quotient(function, z, step=1e-5):
    axes = step * np.eye(z.size)
    return np.array([(function(z + e) - function(z - e)) / (2 * step) for e in axes])


@given(vectors)
def test_arms_are_all_there_is(z):
    assert np.exp(arm_log_probabilities(SPACE, z)).sum() == pytest.approx(1.0)


def test_probabilities_multiply_along_the_active_settings():
    z = np.zeros(SPACE.dim)
    thirds = dict(zip(map(str, SPACE.arms()), np.exp(arm_log_probabilities(SPACE, z)), strict=True))
    assert thirds[str({"pc": "sor", "scale": False})] == pytest.approx(1 / 6)
    full = {"pc": "gamg", "square": True, "smoother": "a", "scale": True}
    assert thirds[str(full)] == pytest.approx(1 / 3 / 2 / 2 / 2)


@given(vectors)
def test_the_greedy_settings_are_each_settings_most_likely_value(z):
    greedy = SPACE.to_settings(z)
    logs = arm_log_probabilities(SPACE, z)
    arms = SPACE.arms()
    same_pc = [i for i, arm in enumerate(arms) if arm["pc"] == greedy["pc"]]
    by_pc = [
        np.exp(logs[[i for i, arm in enumerate(arms) if arm["pc"] == pc]]).sum()
        for pc in ("jacobi", "sor", "gamg")
    ]
    assert np.exp(logs[same_pc]).sum() == pytest.approx(max(by_pc))


@given(vectors)
def test_scores_are_the_derivatives_of_the_log_probabilities(z):
    scores = arm_scores(SPACE, z)
    for arm in range(ARMS):
        quotient = difference_quotient(lambda x, a=arm: arm_log_probabilities(SPACE, x)[a], z)
        np.testing.assert_allclose(scores[arm], quotient, atol=1e-8)


@given(vectors, costs, costs)
def test_unbiased_for_any_surrogate(z, measured, surrogate):
    probabilities = np.exp(arm_log_probabilities(SPACE, z))
    gradients = [score_gradient(SPACE, z, a, measured[a], surrogate) for a in range(ARMS)]
    exact = difference_quotient(lambda x: expected_cost(x, measured), z)
    np.testing.assert_allclose(probabilities @ np.array(gradients), exact, atol=1e-7)


@given(vectors, costs)
def test_without_variance_where_the_surrogate_is_exact(z, measured):
    exact = difference_quotient(lambda x: expected_cost(x, measured), z)
    for arm in range(ARMS):
        found = score_gradient(SPACE, z, arm, measured[arm], measured)
        np.testing.assert_allclose(found, exact, atol=1e-7)


@given(st.lists(vectors, min_size=1, max_size=4))
def test_batches_are_their_rows(rows):
    z = np.array(rows)[:, None, :]
    logs, scores = arm_log_probabilities(SPACE, z), arm_scores(SPACE, z)
    assert logs.shape == (len(rows), 1, ARMS)
    for index, row in enumerate(rows):
        np.testing.assert_allclose(logs[index, 0], arm_log_probabilities(SPACE, row))
        np.testing.assert_allclose(scores[index, 0], arm_scores(SPACE, row))


def test_continuous_coordinates_have_no_score_and_a_space_without_choices_has_one_arm():
    assert not arm_scores(SPACE, np.zeros(SPACE.dim))[:, SPACE.continuous].any()
    plain = Space((Real("x", 0, 1),))
    assert arm_log_probabilities(plain, [0.3]).tolist() == [0.0]
    assert score_gradient(plain, [0.3], 0, 1.0, [0.0]).tolist() == [0.0]
