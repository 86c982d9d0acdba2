"""Laws of `Outcome` and of the fractional iteration count."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.errors import UsageError
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason, fractional
from metasolve.solve.solver import Budget

number = st.floats(allow_nan=True, allow_infinity=True)
outcomes = st.builds(
    Outcome,
    reason=st.sampled_from(Reason),
    iterations=st.integers(0, 10**6),
    fractional_iterations=number,
    true_residual=number,
    setup_seconds=number,
    solve_seconds=number,
    flops=number,
    history=st.lists(number, max_size=4).map(tuple),
    message=st.text(max_size=20),
    course=st.lists(number, max_size=4).map(tuple),
)


@given(outcomes)
def test_an_outcome_survives_strict_json_to_the_last_bit(outcome):
    text = json.dumps(outcome.to_dict(), allow_nan=False)
    assert repr(Outcome.from_dict(json.loads(text))) == repr(outcome)


@given(outcomes)
def test_only_converged_is_ok_and_every_reason_advises(outcome):
    assert outcome.ok == (outcome.reason is Reason.CONVERGED)
    assert len(str(outcome.reason).split()) > 5


@given(st.floats(0.1, 0.95), st.floats(0.01, 40.0))
def test_the_count_of_a_geometric_history_is_its_exact_real_number(rate, wanted):
    history = [rate**k for k in range(45)]
    assert fractional(history, rate**wanted) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@given(st.lists(st.floats(1e-12, 1e3), min_size=2, max_size=20), st.floats(1e-12, 1e3))
def test_the_count_lies_within_the_iteration_that_reached_the_target(history, target):
    count = fractional(history, target)
    below = [k for k, norm in enumerate(history) if norm <= target]
    if not below:
        assert count == len(history) - 1
    else:
        assert max(below[0] - 1, 0) <= count <= below[0]


def test_the_count_is_continuous_as_the_deciding_iterate_crosses_the_target():
    above = fractional([1.0, 1e-3 * (1 + 1e-9), 1e-6], 1e-3)
    below = fractional([1.0, 1e-3 * (1 - 1e-9), 1e-6], 1e-3)
    assert above == pytest.approx(below, abs=1e-8)


def test_degenerate_histories_have_a_count():
    assert fractional([], 1.0) == 0.0
    assert fractional([0.5], 1.0) == 0.0
    assert fractional([1.0, 0.0], 1e-3) == 1.0
    assert fractional([math.nan, 1e-9], 1e-3) == 1.0
    assert fractional([math.inf, 1e-9], 1e-3) == 1.0
    assert fractional([1.0, math.nan], 1e-3) == 1.0


def test_instances_and_budgets_refuse_nonsense():
    with pytest.raises(UsageError, match="setup_share=2"):
        Instance("a", {}, setup_share=2)
    with pytest.raises(UsageError, match="tolerance=0"):
        Instance("a", {}, tolerance=0)
    with pytest.raises(UsageError, match="seconds=-1"):
        Budget(seconds=-1)
