"""Laws of stopping and going on: nothing measured is lost, and nothing else shows it."""

import os
import shutil
import signal

import pytest

from metasolve.errors import ModelError, UsageError
from metasolve.farm import SerialFarm
from metasolve.model.directory import load
from metasolve.train import TrainConfig
from metasolve.train.events import read_events
from metasolve.train.interrupt import SIGNALS, InterruptedTraining
from metasolve.train.past import read_past
from metasolve.train.session import train_task
from metasolve.train.task import Task

SMALL = TrainConfig(calls=60, seed=3)


def task(analytic):
    return Task(analytic.instances(8, 5), analytic.space)


def events_in(path):
    return read_events(path / "events.jsonl")


def evaluations_in(path):
    return [event for event in events_in(path) if event["event"] == "evaluation"]


@pytest.fixture(scope="module")
def straight(analytic, hastily, tmp_path_factory):
    """A training that nothing interrupted."""
    out = tmp_path_factory.mktemp("straight")
    with hastily():
        return train_task(task(analytic), SerialFarm(analytic()), out, SMALL), out


class Interrupted(SerialFarm):
    """A farm during whose call number `at` something happens."""

    def __init__(self, solver, at, happens):
        super().__init__(self)
        self.solver, self.at, self.happens = solver, at, happens

    def solve(self, *request):
        if self.calls == self.at:
            self.happens()
        return self.solver.solve(*request)


def kill():
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["model.json", "policy.txt", "weights.safetensors"])
def test_a_damaged_model_is_made_again_of_what_was_measured(
    straight, hasty, analytic, tmp_path, name
):
    out = tmp_path / "model"
    shutil.copytree(straight[1], out)
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    (out / name).write_bytes(before[name][: len(before[name]) // 2])
    farm = SerialFarm(analytic())
    train_task(task(analytic), farm, out, SMALL, read_past(out))
    assert farm.calls == 0
    made, first = (dict(each) for each in (load(out).info, straight[0].info))
    assert made.pop("wall_seconds") > first.pop("wall_seconds")  # it took more
    assert made == first
    assert (out / "policy.txt").read_bytes() == before["policy.txt"]
    assert [e["event"] for e in events_in(out)] == [e["event"] for e in events_in(straight[1])]


@pytest.mark.parametrize("at", [5, 45])
def test_an_interrupted_training_ends_as_if_it_had_not_been(
    straight, hasty, analytic, lasting, tmp_path, at
):
    solver = analytic()
    with pytest.raises(KeyboardInterrupt):
        train_task(task(analytic), Interrupted(solver, at, kill), tmp_path, SMALL)
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"event": "evaluation", "call": 9')  # torn by the kill
    done = len(evaluations_in(tmp_path))
    assert at - 16 <= done <= at
    solver.asked.clear()  # its noise is by how often it was asked
    for event in evaluations_in(tmp_path):
        key = (event["instance"], tuple(sorted(event["settings"].items())))
        solver.asked[key] = solver.asked.get(key, 0) + 1
    farm = SerialFarm(solver)
    train_task(task(analytic), farm, tmp_path, SMALL, events_in(tmp_path))
    assert farm.calls + done == straight[0].info["calls"]["train"]
    assert lasting(tmp_path) == lasting(straight[1])


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_lets_the_solve_end_and_logs_it(analytic, tmp_path, number):
    def interrupt():
        os.kill(os.getpid(), number)

    before = [signal.getsignal(each) for each in SIGNALS]
    with pytest.raises(InterruptedTraining, match="the same command goes on") as stop:
        train_task(task(analytic), Interrupted(analytic(), 4, interrupt), tmp_path, SMALL)
    assert stop.value.by == number
    assert len(evaluations_in(tmp_path)) == 5
    assert [signal.getsignal(each) for each in SIGNALS] == before
    with pytest.raises(ModelError, match="finish it"):
        load(tmp_path)


def test_other_ranks_per_solve_are_another_problem(straight, analytic, tmp_path):
    ran_on = {"ranks": 2, "ranks_per_solve": 2}
    with pytest.raises(UsageError, match="ranks_per_solve=1, not 2"):
        train_task(
            task(analytic), SerialFarm(analytic()), straight[1], SMALL, events_in(straight[1]),
            ran_on=ran_on,
        )  # fmt: skip


def test_a_damaged_log_is_said(straight, analytic, recording, training, run_program, tmp_path):
    damaged = (straight[1] / "events.jsonl").read_bytes().replace(b'"split"', b'"sp\x00it"', 1)
    (tmp_path / "events.jsonl").write_bytes(damaged)
    done = run_program(training(recording, tmp_path, on=2))
    assert done.returncode != 0
    assert done.stderr.count("is damaged: train with --fresh") == 1


@pytest.mark.parametrize(
    ("number", "code", "on"), [("SIGTERM", 0, 1), ("SIGINT", 130, 1), ("SIGUSR1", 0, 2)]
)
def test_a_stopped_command_says_how_to_go_on(
    recording, training, killed, tmp_path, number, code, on
):
    pytest.importorskip("mpi4py")
    out = tmp_path / "model"
    command = training(recording, out, "--calls", 3000, on=on)
    done = killed(command, out, after=16, by=getattr(signal, number))
    assert done.returncode == code, done.stderr
    assert done.stderr.count("the same command goes on from there") == 1
    assert "Traceback" not in done.stderr
    assert not (out / "model.json").exists()
