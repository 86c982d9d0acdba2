"""Laws of `Cost`: finite, continuous in what is measured, every failure worse than any success."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.errors import UsageError
from metasolve.solve.cost import Cost
from metasolve.solve.instance import Drift, Instance
from metasolve.solve.outcome import Outcome, Reason

INSTANCE = Instance("i", {}, setup_share=0.25, tolerance=1e-6)
measures = st.sampled_from(["seconds", "iterations", "flops"])
anything = st.floats(allow_nan=True, allow_infinity=True)


def success(*, solve=1.0, setup=0.0, iterations=10, fraction=10.0, flops=1.0, history=()):
    return Outcome(
        Reason.CONVERGED, iterations, fraction, 1e-7, setup, solve, flops, history=history
    )


def outcomes(reasons):
    return st.builds(
        Outcome,
        reason=reasons,
        iterations=st.integers(0, 10**9),
        fractional_iterations=anything,
        true_residual=anything,
        setup_seconds=anything,
        solve_seconds=anything,
        flops=anything,
        history=st.lists(anything, max_size=3).map(tuple),
    )


failures = outcomes(st.sampled_from([each for each in Reason if each is not Reason.CONVERGED]))


@given(measures, outcomes(st.sampled_from(Reason)), st.floats(1e-300, 1e300), st.floats(1.01, 1e9))
def test_always_finite(measure, outcome, reference, cap):
    assert math.isfinite(Cost(measure, cap)(outcome, INSTANCE, reference))


@given(measures, failures, st.floats(0, 1e300), st.floats(1e-300, 1e300), st.floats(1.01, 1e9))
def test_every_failure_is_worse_than_any_success(measure, failure, taken, reference, cap):
    cost = Cost(measure, cap)
    slow = success(solve=taken, fraction=taken, flops=taken)
    assert cost(failure, INSTANCE, reference) > cost(slow, INSTANCE, reference)


def test_an_early_divergence_costs_more_than_a_slow_convergence():
    early = Outcome(Reason.DIVERGED, 1, 1.0, 1e4, 0.0, 1e-6)
    assert Cost()(early, INSTANCE, 1.0) > Cost()(success(solve=1e6), INSTANCE, 1.0)


def test_the_codes_own_defaults_cost_nothing_and_twice_as_fast_is_minus_log_two():
    for measure in ("seconds", "iterations", "flops"):
        cost = Cost(measure)
        default = success(solve=2.0, setup=4.0, fraction=20.0, flops=6.0)
        reference = cost.quantity(default, INSTANCE)
        assert cost(default, INSTANCE, reference) == 0.0
        half = success(solve=1.0, setup=2.0, fraction=10.0, flops=3.0)
        assert cost(half, INSTANCE, reference) == pytest.approx(-math.log(2))


def test_set_up_counts_by_its_share():
    assert Cost().quantity(success(solve=2.0, setup=4.0), INSTANCE) == 3.0


def test_the_fractional_ratio_needs_a_history_and_an_iteration():
    part = success(solve=2.0, iterations=4, fraction=3.5)
    assert Cost().quantity(part, INSTANCE) == 2.0
    assert Cost().quantity(replace(part, history=(1.0, 1e-9)), INSTANCE) == 1.75
    none = success(solve=2.0, iterations=0, fraction=0.0, history=(1e-9,))
    assert Cost().quantity(none, INSTANCE) == 2.0


@given(st.floats(1e-3, 1e4), st.floats(1e-9, 1e-3))
def test_continuous_and_increasing_in_time(seconds, step):
    cost = Cost(cap=5.0)
    here, there = (cost(success(solve=t), INSTANCE, 1.0) for t in (seconds, seconds * (1 + step)))
    assert 0.0 <= there - here <= 1.01 * step + 1e-12


@given(st.floats(1e-12, 1e12), st.floats(1e-9, 1e-3))
def test_continuous_and_increasing_in_the_residual_of_a_failure(residual, step):
    failed = [
        Outcome(Reason.MAX_ITERATIONS, 9, 9.0, r, 0.0, 1.0)
        for r in (residual, residual * (1 + step))
    ]
    here, there = (Cost()(each, INSTANCE, 1.0) for each in failed)
    assert -1e-12 <= there - here <= step


def test_nonsense_is_refused_by_name():
    with pytest.raises(UsageError, match="measure='secs'"):
        Cost("secs")
    with pytest.raises(UsageError, match="cap=1"):
        Cost(cap=1)
    with pytest.raises(UsageError, match="reference=nan"):
        Cost()(success(), INSTANCE, math.nan)


KEPT = Instance("k", {}, drift=Drift(0.01, 40))


def factor(setup=1.2, solve=0.05):
    return Outcome(Reason.CONVERGED, 1, 1.0, 1e-8, setup, solve)


def test_in_a_sequence_a_set_up_serves_several_operators():
    """The best per fresh solve is not the best where it is kept."""
    cost, many = Cost(), Outcome(Reason.CONVERGED, 40, 40.0, 1e-8, 0.0, 0.8)
    alone = replace(KEPT, drift=None)
    assert cost(factor(), alone, 1.0) > cost(many, alone, 1.0)
    assert cost(factor(), KEPT, 1.0) < cost(many, KEPT, 1.0)
    assert cost(many, KEPT, 1.0) == cost(many, alone, 1.0)  # nothing is set up


@pytest.mark.parametrize("moved", [0.0, 0.01, 0.1, 1.0])
@pytest.mark.parametrize("operators", [2, 5, 100])
def test_keeping_is_worth_the_set_ups_that_are_spared_at_most(moved, operators):
    cost, instance = Cost(), replace(KEPT, drift=Drift(moved, operators))
    taken = cost.in_sequence(factor(), instance)
    assert 1.2 / min(operators, 25) + 0.05 <= taken * (1 + 1e-9)
    assert taken <= cost.quantity(factor(), instance) * (1 + 1e-9)
    farther = replace(KEPT, drift=Drift(2.0 * moved + 0.01, operators))
    assert taken <= cost.in_sequence(factor(), farther) * (1 + 1e-9)


def test_what_the_program_takes_and_what_is_not_seconds_is_as_it_was():
    assert Cost().quantity(factor(), KEPT) == 1.25
    assert Cost("iterations").in_sequence(factor(), KEPT) == 1.0
    failed = replace(factor(), reason=Reason.DIVERGED)
    assert Cost().in_sequence(failed, KEPT) == 1.25
