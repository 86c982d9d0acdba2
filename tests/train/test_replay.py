"""Law: a training is what its seed and its recorded costs make it; a replay needs no solver."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.errors import ModelError, UsageError
from metasolve.farm import Request, SerialFarm
from metasolve.farm.replaying import ReplayingFarm
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.train import TrainConfig
from metasolve.train.events import read_events
from metasolve.train.session import repeat, train_task
from metasolve.train.task import Task

CONFIG = TrainConfig(calls=50, seed=2)  # measured in seconds
FILES = ("policy.txt", "weights.safetensors")


class Counting:
    """Answers with the number of the call."""

    def __init__(self):
        self.calls = 0

    def solve(self, instance, settings, budget):
        self.calls += 1
        return Outcome(Reason.CONVERGED, self.calls, float(self.calls), 1e-9, 0.0, 0.1)


def event(number, outcome, instance=None):
    return {
        "call": number + 1,
        "instance": instance or f"i{number}",
        "settings": {"x": number / 3.0},
        "outcome": json.loads(json.dumps(outcome.to_dict())),
    }


def requests(count):
    return [Request(Instance(f"i{n}", {}), {"x": n / 3.0}) for n in range(count)]


@given(st.integers(0, 12), st.lists(st.integers(0, 5), max_size=6))
def test_what_is_recorded_is_not_made_again_and_the_rest_is(known, batches):
    asked = requests(sum(batches))
    first = Counting()
    whole = [first.solve(each.instance, each.settings, each.budget) for each in asked]
    past = [event(n, outcome) for n, outcome in enumerate(whole[:known])]
    solver = Counting()
    solver.calls = len(past)
    then = SerialFarm(solver)
    farm, found = ReplayingFarm(past, then), []
    for size in batches:
        found += farm.evaluate(asked[len(found) : len(found) + size])
    assert found == whole
    assert then.calls == max(0, len(whole) - known)
    assert farm.calls == len(whole)


def test_another_evaluation_than_the_recorded_one_is_an_error():
    outcome = Outcome.failure(Reason.ERROR)
    with pytest.raises(ModelError, match="evaluation 1 does not match"):
        ReplayingFarm([event(0, outcome, instance="j")]).evaluate(requests(1))
    with pytest.raises(ModelError, match="end after 1"):
        ReplayingFarm([event(0, outcome)]).evaluate(requests(2))


def test_a_stop_takes_effect_where_solvers_would_be_called():
    then = SerialFarm(Counting())
    farm = ReplayingFarm([event(0, Outcome.failure(Reason.ERROR))], then)
    farm.stop()
    assert len(farm.evaluate(requests(3))) == 1
    assert farm.stopped


@pytest.fixture(scope="module")
def trained(analytic, hastily, tmp_path_factory):
    """A training in seconds, enlarged once."""
    out = tmp_path_factory.mktemp("trained")
    task, solver = Task(analytic.instances(8, 5), analytic.space), analytic()
    more = CONFIG.model_copy(update={"calls": 75})
    with hastily():
        train_task(task, SerialFarm(solver), out, CONFIG)
        model = train_task(task, SerialFarm(solver), out, more, read_events(out / "events.jsonl"))
    return task, out, model


def timeless(path):
    return [{**each, "time": 0, "elapsed": 0} for each in read_events(path / "events.jsonl")]


def test_a_replay_is_bitwise_the_same(trained, hasty, tmp_path):
    task, out, model = trained
    again = repeat(task, tmp_path, read_events(out / "events.jsonl"), {}, {})
    assert again.info == model.info
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()
    assert timeless(tmp_path) == timeless(out)


def test_a_replay_with_another_seed_finds_no_recorded_costs(trained, tmp_path):
    task, out, _ = trained
    with pytest.raises(ModelError, match="does not match"):
        repeat(task, tmp_path, read_events(out / "events.jsonl"), {"seed": 9}, {})
    with pytest.raises(UsageError, match="--fresh"):
        repeat(task, tmp_path, read_events(out / "events.jsonl"), {}, {})


@pytest.mark.slow
def test_seconds_measured_on_two_ranks_are_replayed_by_one(
    recording, training, run_program, lasting, tmp_path
):
    pytest.importorskip("mpi4py")
    first, second = tmp_path / "first", tmp_path / "second"
    done = run_program(training(recording, first, "--calls", 40, "--seed", 5, on=2), timeout=900)
    assert done.returncode == 0, done.stderr
    done = run_program(training(recording, second, "--replay", first), timeout=900)
    assert done.returncode == 0, done.stderr
    assert lasting(second) == lasting(first)
    for name in FILES:
        assert (second / name).read_bytes() == (first / name).read_bytes()
    assert timeless(second) == timeless(first)
