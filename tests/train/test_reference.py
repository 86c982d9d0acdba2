"""Laws of the first phase: what the program's own settings take is measured, or remembered."""

import numpy as np
import pytest

from metasolve.farm import SerialFarm
from metasolve.solve.cost import Cost
from metasolve.solve.outcome import Outcome, Reason
from metasolve.train import TrainConfig
from metasolve.train.evaluator import HOST, Evaluator
from metasolve.train.events import Events
from metasolve.train.inputs import Inputs
from metasolve.train.reference import measured, remembered
from metasolve.train.task import Task

CONFIG = TrainConfig(calls=150, seed=1)
SLOWER = 3.0


def outcome(seconds, reason=Reason.CONVERGED):
    return Outcome(reason, 10, 10.0, 1e-9, 0.25 * seconds, 0.75 * seconds)


@pytest.fixture
def task(analytic):
    """64 instances, recorded by a machine that was three times as fast; one had failed."""
    solver, instances = analytic(), analytic.instances(64, 0)
    recorded = {i.id: outcome(np.exp(solver.log_seconds(i, {})) / SLOWER) for i in instances}
    recorded[instances[5].id] = outcome(1.0, Reason.DIVERGED)
    return Task(instances, analytic.space, recorded=recorded)


@pytest.fixture
def evaluator(analytic, task):
    return Evaluator(SerialFarm(analytic()), task.instances, Cost(), CONFIG.calls, Events(None))


def test_from_nothing_it_is_measured_wherever_it_is_used(task, evaluator):
    roles = measured(task, CONFIG, evaluator, Inputs.of(task.instances))
    assert set(evaluator.host) == {*roles.train, *roles.validation}
    assert len(evaluator.host) == 30  # a fifth of the calls
    assert all(len(outcomes) <= 2 for outcomes in evaluator.host.values())


def test_where_it_was_recorded_only_what_validates_is_measured(task, evaluator):
    roles = remembered(task, CONFIG, evaluator)
    assert sorted([*roles.train, *roles.validation]) == list(range(64))
    assert len(roles.validation) == 10  # a fifteenth of the calls
    assert evaluator.calls == sum(len(evaluator.host[n]) for n in roles.validation)


def test_what_was_recorded_is_in_todays_seconds(task, evaluator, analytic):
    roles = remembered(task, CONFIG, evaluator)
    solver = analytic()
    for index in set(roles.train) - {5}:
        taken = np.exp(solver.log_seconds(task.instances[index], HOST))
        assert evaluator.reference(index) == pytest.approx(taken, rel=0.1)


def test_where_it_had_failed_it_still_counts_as_failed(task, evaluator):
    roles = remembered(task, CONFIG, evaluator)
    assert 5 in roles.train
    assert evaluator.host_cost(5) > 0.0
    assert all(evaluator.host_cost(n) == 0.0 for n in roles.train if n != 5)


def test_what_was_not_recorded_is_left_out(task, evaluator):
    some = Task(task.instances, task.space, recorded=dict(list(task.recorded.items())[:40]))
    roles = remembered(some, CONFIG, evaluator)
    assert sorted([*roles.train, *roles.validation]) == list(range(40))


def test_too_few_to_tell_apart_are_all_measured(task, evaluator):
    few = Task(task.instances[:3], task.space, recorded=task.recorded)
    roles = remembered(few, CONFIG, evaluator)
    assert roles.train == roles.validation == [0, 1, 2]
    assert evaluator.calls == sum(map(len, evaluator.host.values()))
