"""The race: hopeless candidates leave early, and only who finished can win."""

import numpy as np
import pytest

from metasolve.farm import SerialFarm
from metasolve.model.gate import Bells, Gate
from metasolve.model.layer import constant_layers
from metasolve.model.model import Model
from metasolve.solve.cost import Cost
from metasolve.train.candidate import Candidate
from metasolve.train.evaluator import HOST, Evaluator
from metasolve.train.events import Events
from metasolve.train.inputs import Inputs
from metasolve.train.risk import Risk
from metasolve.train.selection import select

COUNT = 24
HOPELESS = {"pc_type": "sor", "omega": 0.2}


@pytest.fixture
def race(analytic):
    """Race these constants, by name; returns winner, verdicts and the evaluator."""
    instances, space = analytic.instances(COUNT, 7), analytic.space

    def run(constants, measure="seconds", calls=1000, expectation=None):
        evaluator = Evaluator(
            SerialFarm(analytic()), instances, Cost(measure, 2.0), calls, Events(None)
        )
        evaluator.measure([(index, dict(HOST)) for index in range(COUNT)], "reference")
        standardisation = Inputs.of(instances).standardisation

        def candidate(name, settings, kind="global"):
            layers = constant_layers(6, space.to_vector(space.complete(settings)))
            model = Model(kind, space, standardisation, layers)
            return Candidate(name, model, None if kind == "default" else expectation)

        candidates = [candidate("host default", {}, "default")]
        candidates += [candidate(name, settings) for name, settings in constants.items()]
        return *select(candidates, evaluator, range(COUNT), Risk(50.0, 1e-9)), evaluator

    return run


def test_the_hopeless_leave_early_and_calls_are_saved(race):
    good = {"pc_type": "ilu", "levels": 2}
    winner, verdicts, evaluator = race({"good": good, "bad": HOPELESS}, "iterations")
    assert verdicts["bad"].instances < COUNT
    assert verdicts["good"].instances == COUNT
    assert evaluator.calls < 3 * COUNT
    assert winner.name in {"good", "host default"}


def test_who_left_cannot_win(race):
    """Also where the few instances it was measured on were kind to it."""
    constants = {f"levels {k}": {"pc_type": "ilu", "levels": k} for k in (1, 2, 3, 5)}
    winner, verdicts, _ = race({**constants, "bad": HOPELESS})
    finished = [name for name, each in verdicts.items() if each.instances == COUNT]
    assert winner.name in finished
    assert verdicts[winner.name].score == min(verdicts[name].score for name in finished)


def test_equal_candidates_share_evaluations_and_the_earlier_wins(race):
    one = {"pc_type": "ilu", "levels": 2}
    winner, verdicts, evaluator = race({"first": one, "second": dict(one)}, "iterations")
    assert evaluator.calls == 2 * COUNT
    assert verdicts["first"].score == verdicts["second"].score
    assert winner.name != "second"


def test_seconds_are_measured_again_while_the_budget_lasts(race):
    one = {"pc_type": "ilu", "levels": 2}
    _, verdicts, _ = race({"one": one})
    assert verdicts["one"].repeats == 5
    _, verdicts, evaluator = race({"one": one}, calls=5 * COUNT)
    assert verdicts["one"].repeats == 2
    assert evaluator.left >= 0


def test_a_budget_that_ends_in_the_race_still_finds_a_winner(race):
    one = {"pc_type": "ilu", "levels": 2}
    winner, verdicts, evaluator = race({"one": one, "bad": HOPELESS}, calls=COUNT + 7)
    assert evaluator.left == 0
    assert winner.name in verdicts
    assert winner.name != "bad"


@pytest.mark.filterwarnings("error")
def test_who_was_never_measured_is_no_better_than_who_was(race):
    """The calls are spent before each has solved once; numpy has nothing to say to that."""
    good = {f"omega {k}": {"pc_type": "sor", "omega": 1.0 + 0.05 * k} for k in range(6)}
    winner, verdicts, evaluator = race(good, "iterations", calls=COUNT + 3)
    assert evaluator.left == 0
    assert winner.name == "host default" or verdicts[winner.name].instances > 0


def test_a_small_budget_brings_the_best_to_the_end(race):
    """Not all of them halfway."""
    good = {f"omega {k}": {"pc_type": "sor", "omega": 1.0 + 0.05 * k} for k in range(6)}
    winner, verdicts, evaluator = race(good, "iterations", calls=int(3.5 * COUNT))
    assert evaluator.left >= 0
    assert max(each.instances for name, each in verdicts.items() if name in good) == COUNT
    assert verdicts[winner.name].instances == COUNT


class Doubt:
    """An expectation whose gate is open or closed everywhere."""

    def __init__(self, opens):
        self.level = 9.0 if opens else -9.0  # of what the host is said to take

    def errors(self, instances, measured):
        return np.zeros(len(instances))

    def gate(self, errors, risk):
        nowhere = np.zeros((1, 1))
        host = Bells(np.array([0]), np.ones(1), nowhere, np.zeros(1), self.level)
        return Gate(constant_layers(6, np.zeros(2)), host)


@pytest.mark.parametrize(
    ("levels", "opens", "wins", "gated"),
    [
        (1, False, "it", False),  # gains, slows nothing down: the gate would only cost
        (1, True, "it", True),  # costs nothing: stays
        (2, False, "host default", False),  # slows some down: the gate is needed, and shut
    ],
)
def test_a_gate_that_costs_and_saves_nothing_is_left_out(race, levels, opens, wins, gated):
    it = {"it": {"pc_type": "ilu", "levels": levels}}
    winner, _, _ = race(it, "iterations", expectation=Doubt(opens))
    assert winner.name == wins
    assert (winner.model.gate is not None) == gated
