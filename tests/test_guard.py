"""Laws of `Guard`: it is a solver, verifies, falls back, refuses, and lets nothing out."""

import math

import pytest

from metasolve.errors import UsageError
from metasolve.guard import Familiarity, Guard
from metasolve.instance import Instance
from metasolve.outcome import Outcome, Reason
from metasolve.solver import Budget, Solver

INSTANCE = Instance("i", {"rows": 100.0}, tolerance=1e-6)
TIGHT = Budget(seconds=1.0)


class Scripted:
    """A solver that answers by the setting `how`, and remembers what it was asked."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def solve(self, _instance, settings, budget):
        how = settings.get("how", "reference")
        self.asked.append((how, budget))
        answer = self.answers[how]
        if isinstance(answer, Exception):
            raise answer
        return answer


def outcome(reason=Reason.CONVERGED, residual=1e-7, seconds=1.0):
    return Outcome(reason, 5, 4.5, residual, seconds, 2 * seconds, 10.0, (1.0, 1e-7))


REFERENCE = outcome(seconds=3.0)


def test_a_guard_is_a_solver_and_guards_nest():
    assert isinstance(Guard(Scripted()), Solver)
    nested = Guard(Guard(Scripted(good=outcome())))
    assert nested.solve(INSTANCE, {"how": "good"}, TIGHT) == outcome()


def test_a_good_answer_passes_untouched():
    solver = Scripted(good=outcome())
    assert Guard(solver).solve(INSTANCE, {"how": "good"}, TIGHT) == outcome()
    assert solver.asked == [("good", TIGHT)]


@pytest.mark.parametrize(
    "bad",
    [
        outcome(Reason.DIVERGED, 1e4),
        outcome(Reason.TIME_BUDGET, 1e-2),
        outcome(Reason.CONVERGED, 3.7),
        outcome(Reason.CONVERGED, math.nan),
        RuntimeError("zero pivot"),
    ],
)
def test_every_failure_falls_back_to_the_reference_under_no_budget(bad):
    solver = Scripted(bad=bad, reference=REFERENCE)
    found = Guard(solver).solve(INSTANCE, {"how": "bad"}, TIGHT)
    assert found.ok
    assert found.message.startswith("fallback: ")
    assert solver.asked == [("bad", TIGHT), ("reference", Budget())]


def test_a_fallback_pays_for_the_failed_attempt():
    solver = Scripted(bad=outcome(Reason.DIVERGED), reference=REFERENCE)
    found = Guard(solver).solve(INSTANCE, {"how": "bad"}, TIGHT)
    assert (found.setup_seconds, found.solve_seconds, found.flops) == (4.0, 8.0, 20.0)
    assert found.history == ()


def test_given_reference_settings_are_those_fallen_back_to():
    solver = Scripted(bad=outcome(Reason.DIVERGED), safe=REFERENCE)
    assert Guard(solver, {"how": "safe"}).solve(INSTANCE, {"how": "bad"}, TIGHT).ok


def test_a_reference_that_fails_too_is_reported_not_raised():
    solver = Scripted(bad=RuntimeError("first"), reference=RuntimeError("second"))
    found = Guard(solver).solve(INSTANCE, {"how": "bad"}, TIGHT)
    assert found.reason is Reason.ERROR
    assert "first" in found.message
    assert "second" in found.message


@pytest.mark.parametrize(("excess", "accepted"), [(1.0, True), (1.0005, True), (1.01, False)])
def test_rounding_is_forgiven_and_nothing_more(excess, accepted):
    solver = Scripted(edge=outcome(residual=1e-6 * excess), reference=REFERENCE)
    found = Guard(solver).solve(INSTANCE, {"how": "edge"}, TIGHT)
    assert (found.message == "") == accepted


@pytest.mark.parametrize("rows", [99.0, 1001.0, math.nan, None])
def test_the_unfamiliar_is_refused_without_trying(rows):
    box = Familiarity(("rows",), (100.0,), (1000.0,))
    solver = Scripted(good=outcome(), reference=REFERENCE)
    strange = Instance("s", {} if rows is None else {"rows": rows}, tolerance=1e-6)
    found = Guard(solver, familiar=box).solve(strange, {"how": "good"}, TIGHT)
    assert found.message.startswith("refused: rows=")
    assert [how for how, _ in solver.asked] == ["reference"]
    assert found.solve_seconds == REFERENCE.solve_seconds


def test_the_edge_of_the_box_is_familiar():
    box = Familiarity(("rows",), (100.0,), (1000.0,))
    assert (
        Guard(Scripted(good=outcome()), familiar=box).solve(INSTANCE, {"how": "good"}, TIGHT)
        == outcome()
    )
    with pytest.raises(UsageError, match="one of each"):
        Familiarity(("rows",), (), ())
