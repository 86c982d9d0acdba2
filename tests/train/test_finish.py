"""What a candidate becomes before it is judged: how patient, and where it does not even look."""

from typing import ClassVar

import numpy as np
import pytest

from metasolve.farm import SerialFarm
from metasolve.model.gate import Bells, Gate
from metasolve.model.layer import constant_layers
from metasolve.model.model import Model
from metasolve.solve.cost import Cost
from metasolve.solve.course import beyond, course, moment
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.space import Choice, Space
from metasolve.train.candidate import Candidate, Costs
from metasolve.train.evaluator import HOST, Evaluator
from metasolve.train.events import Events
from metasolve.train.finish import finished, second_choice
from metasolve.train.inputs import Inputs
from metasolve.train.risk import Risk

SPACE, RISK = Space((Choice("pc_type", ("ilu", "sor")),)), Risk(50.0, 1e-3)
ITERATION, CHOSEN, TOLERANCE = 1e-3, 1e-2, 1e-6


class Linear:
    """A host whose residual falls at a constant rate; settings that always take the same."""

    def solve(self, instance, settings, budget):
        if settings:
            return Outcome(Reason.CONVERGED, 5, 5.0, 1e-7, 0.0, CHOSEN)
        count = instance.payload
        history = TOLERANCE ** (np.arange(count + 1) / count)
        reason = Reason.CONVERGED if count < 2000 else Reason.MAX_ITERATIONS
        seen = course(history.tolist())
        return Outcome(reason, count, float(count), 1e-7, 0.0, count * ITERATION, course=seen)


class Shut:
    """A gate that is closed everywhere, and knows what the choice takes."""

    def errors(self, instances, measured):
        return np.zeros(len(instances))

    def gate(self, errors, risk):
        nowhere = np.zeros((1, 1))
        host = Bells(np.array([0]), np.ones(1), nowhere, np.zeros(1), -9.0)
        return Gate(constant_layers(2, np.array([0.0, np.log(CHOSEN)])), host)


def made(iterations, measure="seconds", rows=lambda i: 1000 + i, look=0.0):
    """The candidate, finished, and what it costs, on hosts that take so many iterations."""
    instances = [
        Instance(
            f"i{i}",
            {"log_rows": float(np.log10(rows(i))), "odd": float(i % 2)},
            payload=count,
            tolerance=TOLERANCE,
            decision_seconds=look,
        )
        for i, count in enumerate(iterations)
    ]
    evaluator = Evaluator(SerialFarm(Linear()), instances, Cost(measure, 2.0), 10**4, Events(None))
    everything = range(len(instances))
    evaluator.measure([(index, dict(HOST)) for index in everything], "reference")
    model = Model(
        "policy", SPACE, Inputs.of(instances).standardisation, constant_layers(2, np.zeros(2))
    )
    candidate = Candidate("it", model, Shut())
    costs = Costs([candidate], evaluator, everything, RISK)
    costs.measure(costs.round([candidate], everything, again=False))
    return finished(candidate, costs), costs


def test_slow_hosts_are_given_up_and_quick_ones_are_not():
    counts = [5, 8, 12, 300, 500, 900, 7, 9]
    candidate, costs = made(counts)
    assert candidate.model.gate.patience > 0.0
    for index, cost in costs.each(candidate).items():
        patience = candidate.model.gate.patience * CHOSEN / ITERATION
        end = beyond(costs.evaluator.host[index][-1].course, TOLERANCE, patience)
        assert (end is None) == (counts[index] < 20)
        taken = counts[index] if end is None else moment(end) + CHOSEN / ITERATION
        assert cost == pytest.approx(np.log(taken / counts[index]), abs=1e-9)


def test_what_the_host_fails_on_is_solved_in_the_end():
    candidate, costs = made([5, 2000, 8, 2000])
    each = costs.each(candidate)
    assert candidate.model.gate.patience > 0
    assert each[1] < np.log(0.1)
    assert costs.evaluator.host_cost(1) > 0


def test_nobody_is_watched_where_seconds_do_not_count():
    assert made([300] * 8, "iterations")[0].model.gate.patience == 0.0


def test_who_has_seen_nothing_slow_gives_up_what_is_slow_all_the_same():
    assert made([5, 6, 7, 8, 9, 10, 11, 12])[0].model.gate.patience == 3.0


def test_no_look_at_systems_that_are_solved_as_soon():
    """The small ones take as long as a look at them, but one, which shows to be hard."""
    counts = [6] * 3 + [400] + [6] * 2 + [1200] * 6
    sizes = [1000 + i for i in range(6)] + [50_000 + i for i in range(6)]
    candidate, costs = made(counts, rows=sizes.__getitem__, look=6 * ITERATION)
    model, each = candidate.model, costs.each(candidate)
    assert 1005 < model.least_rows <= 50_000
    assert model.look == 6 * ITERATION
    assert [each[index] for index in (0, 1, 2, 4, 5)] == [0.0] * 5
    assert each[3] < np.log(0.2)


class Picky:
    """Each setting takes a time of its own and fails on some instances, of which half are hard."""

    TAKES: ClassVar = {"ilu": 0.1, "sor": 0.4, "icc": 3.0}  # seconds
    FAILS: ClassVar = {"ilu": 4, "sor": 0, "icc": 0}  # on every so-manieth instance
    lost = False

    def solve(self, instance, settings, budget):
        host = 10.0 if instance.payload % 2 else 0.2
        if not settings:
            return Outcome(Reason.CONVERGED, 5, 5.0, 1e-7, 0.0, host)
        chosen = settings["pc_type"]
        every = self.FAILS[chosen]
        fails = bool(every) and instance.payload % every == 3
        if fails and self.lost:
            return Outcome.failure(Reason.TIME_BUDGET)
        reason = Reason.BREAKDOWN if fails else Reason.CONVERGED
        return Outcome(reason, 5, 5.0, 1.0 if fails else 1e-7, 0.0, self.TAKES[chosen])


WORDS = Space((Choice("pc_type", ("ilu", "sor", "icc")),))


def raced(*constants):
    """A policy that always chooses ilu, and constants, measured everywhere."""
    instances = [Instance(f"i{i}", {"x": float(i)}, payload=i, tolerance=1e-6) for i in range(12)]
    evaluator = Evaluator(
        SerialFarm(Picky()),
        instances,
        Cost("seconds", 2.0),
        10**4,
        Events(None),
        made_good={Reason.BREAKDOWN, Reason.TIME_BUDGET},
    )
    evaluator.measure([(index, dict(HOST)) for index in range(12)], "reference")
    standardisation = Inputs.of(instances).standardisation

    def candidate(name, kind, word):
        layers = constant_layers(1, WORDS.to_vector({"pc_type": word}))
        return Candidate(name, Model(kind, WORDS, standardisation, layers))

    found = [candidate("policy", "policy", "ilu")]
    found += [candidate(word, "global", word) for word in constants]
    costs = Costs(found, evaluator, range(12), RISK)
    costs.measure(costs.round(found, range(12), again=False))
    return found, costs


def test_the_second_choice_is_best_where_the_host_takes_long():
    candidates, costs = raced("sor", "icc")
    second = second_choice(candidates, costs)
    assert WORDS.to_settings(second) == {"pc_type": "sor"}
    assert second_choice(candidates[:1], costs) is None


def test_what_is_slower_than_the_host_is_no_second_choice(monkeypatch):
    monkeypatch.setitem(Picky.TAKES, "sor", 11.0)
    candidates, costs = raced("sor")
    assert second_choice(candidates, costs) is None


def test_a_failure_costs_what_it_took_and_what_follows():
    """The second choice where there is one, else the program's own settings."""
    candidates, costs = raced("sor")
    without = costs.each(candidates[0])
    policy = finished(candidates[0], costs, second_choice(candidates, costs))
    each = costs.each(policy)
    for index in range(12):
        if index % 4 == 3:
            assert each[index] == pytest.approx(np.log((0.1 + 0.4) / 10.0))
            assert without[index] == pytest.approx(np.log((0.1 + 10.0) / 10.0))
        else:
            assert each[index] == without[index]
    assert costs.verdict(policy).failures == 3


def test_a_failure_that_production_does_not_see_costs_more_than_any_success():
    candidates, costs = raced("sor")
    costs.evaluator.made_good = ()
    each = costs.each(candidates[0])
    assert all((each[index] > np.log(2.0)) == (index % 4 == 3) for index in range(12))


def test_where_the_program_fails_too_nothing_is_made_good(monkeypatch):
    monkeypatch.setattr(Evaluator, "host_cost", lambda *_: 1.0)
    candidates, costs = raced("sor")
    assert costs.each(candidates[0])[3] > np.log(2.0)


def test_what_a_lost_evaluation_took_is_not_known(monkeypatch):
    """It hung: what was measured, nothing, must not look like a failure that costs no time."""
    monkeypatch.setattr(Picky, "lost", True)
    candidates, costs = raced("sor")
    each = costs.each(candidates[0])
    assert all((each[index] > np.log(2.0)) == (index % 4 == 3) for index in range(12))
