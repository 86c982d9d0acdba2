"""Laws of lost evaluations: what crashed or hung costs itself, and bends no estimate."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metasolve.farm import SerialFarm
from metasolve.gradient import mean, projected
from metasolve.solve.outcome import Outcome, Reason
from metasolve.train import TrainConfig
from metasolve.train.evaluator import Evaluation
from metasolve.train.events import read_events
from metasolve.train.probe import Draw, Probe, survivors
from metasolve.train.session import train_task
from metasolve.train.task import Task

NUMBERS = st.floats(-10, 10, allow_subnormal=False)
LOST = Outcome.failure(Reason.CRASHED)
KNOWN = Outcome(Reason.CONVERGED, 1, 1.0, 1e-9, 0.0, 1.0)


def probe(moves):
    dim, k = moves.shape
    settings = [{"x": float(row)} for row in range(k + 1)]
    encoded = np.vstack([np.zeros(dim), moves.T])
    return Probe(0, Draw(0), settings, encoded, moves)


def evaluations(costs, lost):
    return [
        Evaluation(0, {"x": float(row)}, cost, LOST if row in lost else KNOWN)
        for row, cost in enumerate(costs)
    ]


def estimate(moves, costs, lost, estimator):
    """The gradient from what remains."""
    left, known = survivors(probe(moves), evaluations(costs, lost))
    remaining = np.array([each.cost for each in known])
    return estimator(left.moves, remaining[1:] - remaining[0])


@given(st.data(), st.integers(1, 5), st.integers(1, 4))
def test_losses_independent_of_the_value_leave_the_mean_estimator_unbiased(data, k, dim):
    """All losses of equally many probes are equally likely: their mean is the whole estimate."""
    moves = data.draw(arrays(float, (dim, k), elements=NUMBERS))
    costs = data.draw(arrays(float, k + 1, elements=NUMBERS))
    whole = estimate(moves, costs, (), mean)
    for many in range(k):
        lost = list(combinations(range(1, k + 1), many))
        found = [estimate(moves, costs, each, mean) for each in lost]
        np.testing.assert_allclose(np.mean(found, axis=0), whole, rtol=1e-9, atol=1e-9)


@given(st.data(), st.integers(2, 4))
def test_the_projection_stays_exact_in_the_directions_that_remain(data, k):
    moves = data.draw(arrays(float, (4, k), elements=st.floats(-1, 1))) + 3.0 * np.eye(4, k)
    gradient = data.draw(arrays(float, 4, elements=NUMBERS))
    costs = np.concatenate([[0.5], 0.5 + moves.T @ gradient])
    found = estimate(moves, costs, (1,), projected)
    np.testing.assert_allclose(moves[:, 1:].T @ (found - gradient), 0.0, atol=1e-8)


def test_without_its_base_or_all_its_tangents_an_instance_says_nothing():
    moves, costs = np.eye(3, 2), [0.0, 1.0, 2.0]
    assert survivors(probe(moves), evaluations(costs, (0,))) is None
    assert survivors(probe(moves), evaluations(costs, (1, 2))) is None
    assert survivors(probe(moves[:, :0]), evaluations(costs[:1], ())) is not None


class Fragile:
    """A solver that crashes now and then, and on one choice always."""

    def __init__(self, solver):
        self.solver, self.calls = solver, 0

    def solve(self, instance, settings, budget):
        self.calls += 1
        outcome = self.solver.solve(instance, settings, budget)
        if settings.get("pc_type") == "gamg" or (settings and self.calls % 7 == 0):
            return Outcome.failure(Reason.CRASHED, "signal SIGSEGV")
        return outcome


@pytest.fixture(scope="module")
def crashed(analytic, tmp_path_factory):
    out = tmp_path_factory.mktemp("crashed")
    task = Task(analytic.instances(8, 5), analytic.space)
    farm = SerialFarm(Fragile(analytic()))
    return train_task(task, farm, out, TrainConfig(calls=80, batch=4)), out


def test_training_goes_on_and_avoids_what_always_crashes(crashed, analytic):
    model, _ = crashed
    chosen = [model.settings(each.features) for each in analytic.instances(20, 77)]
    assert all(settings.get("pc_type") != "gamg" for settings in chosen)


def test_lost_evaluations_are_counted_and_logged_as_failures(crashed):
    model, out = crashed
    events = read_events(out / "events.jsonl")
    made = [event for event in events if event["event"] == "evaluation"]
    assert len(made) == model.info["calls"]["train"]
    lost = [event for event in made if event["outcome"]["reason"] == "CRASHED"]
    best_failure = np.log(model.info["cap"]) + 1.0
    assert all(event["cost"] >= best_failure for event in lost)
    in_steps = sum(event["lost"] for event in events if event["event"] == "step")
    assert in_steps == sum(event["phase"] == "perturbation" for event in lost)
