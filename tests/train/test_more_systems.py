"""A training that is given more systems goes on with what it has measured."""

import pytest

from metasolve.errors import UsageError
from metasolve.farm import SerialFarm
from metasolve.train import TrainConfig
from metasolve.train.events import read_events
from metasolve.train.past import grows, read_past
from metasolve.train.session import repeat, train_task
from metasolve.train.task import Task

CALLS, MORE = 60, 96
CONFIG = TrainConfig(calls=CALLS, seed=3)


def evaluated(events):
    return [event for event in events if event["event"] == "evaluation"]


@pytest.fixture(scope="module")
def grown(analytic, hastily, tmp_path_factory):
    """Ten systems first, then sixteen."""
    out = tmp_path_factory.mktemp("grown")
    everything = Task(analytic.instances(16, 5), analytic.space)
    with hastily():
        few = everything.of([each.id for each in everything.instances[:10]])
        train_task(few, SerialFarm(analytic()), out, CONFIG)
        before = read_past(out)
        farm = SerialFarm(analytic())
        calls = grows(before, [each.id for each in everything.instances]).calls
        more = CONFIG.model_copy(update={"calls": calls})
        model = train_task(everything, farm, out, more, before)
    return everything, out, model, before, farm


def test_there_are_as_many_calls_for_each_system_as_before(grown):
    _, out, model, before, farm = grown
    assert model.info["calls"]["train"] <= MORE
    assert model.info["calls"]["train"] > MORE - 10
    assert model.info["calls"]["earlier"] == len(evaluated(before))
    assert farm.calls == model.info["calls"]["train"] - len(evaluated(before))
    assert read_events(out / "events.jsonl")[: len(before)] == before


def test_what_is_new_is_learned_from(grown):
    task, out, model, _, _ = grown
    new = {each.id for each in task.instances[10:]}
    assert new <= set(model.info["trained_on"])
    assert new & {event["instance"] for event in evaluated(read_events(out / "events.jsonl"))}


def test_the_same_command_returns_the_model_or_goes_on(grown, hasty, analytic, tmp_path):
    task, out, model, before, _ = grown
    ids = [each.id for each in task.instances]
    events = read_past(out)
    more = CONFIG.model_copy(update={"calls": grows(events, ids).calls})
    farm = SerialFarm(analytic())
    assert train_task(task, farm, out, more, events).info == model.info
    assert farm.calls == 0
    assert [grows(events, ids).given(calls) for calls in (None, CALLS, MORE + 1)] == [
        *(MORE, MORE, MORE + 1)
    ]
    whole = (out / "events.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "events.jsonl").write_bytes(b"".join(whole[: len(before) + 20]))
    assert grows(read_past(tmp_path), ids).calls == MORE
    train_task(task, SerialFarm(analytic()), tmp_path, more, read_past(tmp_path))
    assert (tmp_path / "policy.txt").read_bytes() == (out / "policy.txt").read_bytes()


def test_it_can_be_repeated_from_its_costs(grown, hasty, tmp_path):
    task, out, model, _, _ = grown
    again = repeat(task, tmp_path, read_events(out / "events.jsonl"), {}, {})
    assert again.info == model.info


def test_no_calls_are_left_for_more_systems_unless_more_are_given(grown, analytic, tmp_path):
    task, _, _, before, _ = grown
    with pytest.raises(UsageError, match=f"calls={CALLS} are used up"):
        train_task(task, SerialFarm(analytic()), tmp_path, CONFIG, before)


def test_nothing_grows_without_more_systems_or_before_the_end(grown):
    task, _, _, before, _ = grown
    ids = [each.id for each in task.instances]
    assert grows([], ids) is None
    assert grows(before, ids[:10]) is None
    assert grows(before, ids[1:]) is None
    assert grows(before[:-1], ids) is None
