"""A training as a directory: started, interrupted, resumed, enlarged, finished."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from metasolve.errors import MetasolveError, UsageError
from metasolve.farm import Farm
from metasolve.model.directory import load, save
from metasolve.model.model import Model
from metasolve.train.config import TrainConfig
from metasolve.train.events import Event, Events
from metasolve.train.trainer import Task, Trainer

EVENTS = "events.jsonl"


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


class InterruptedTraining(MetasolveError):  # noqa: N818 - a stop is not an error
    """Training was stopped by a signal; nothing it measured is lost."""


@dataclass(frozen=True)
class Past:
    """What a directory already holds.

    Attributes
    ----------
    lines : complete lines in its event file.
    start : the event its last training began with; None when there is none.
    current : events of that training, the start included.
    earlier : evaluations of the trainings before it.
    finished : whether it ended with a model.
    """

    lines: int
    start: Event | None
    current: Sequence[Event]
    earlier: Sequence[Event]
    finished: bool

    @classmethod
    def of(cls, events: Sequence[Event]) -> Past:
        """Look at the events of a directory, see `read_events`."""
        starts = [i for i, event in enumerate(events) if event["event"] == "start"]
        if not starts:
            return cls(0, None, (), (), False)
        current = events[starts[-1] :]
        finished = any(event["event"] == "finished" for event in current)
        return cls(len(events), current[0], current, evaluations(events[: starts[-1]]), finished)


def evaluations(events: Sequence[Event]) -> list[Event]:
    """The evaluations among events."""
    return [event for event in events if event["event"] == "evaluation"]


def train_task(
    task: Task,
    farm: Farm,
    out: Path,
    config: TrainConfig,
    events: Sequence[Event] = (),
    info: Mapping[str, Any] | None = None,
    writes: bool = True,
    progress: Callable[[str, int, int], None] = silent,
) -> Model:
    """Train into a directory, going on where an interrupted training there stopped.

    Parameters
    ----------
    task, farm, config : what to learn, where solver calls run, options.
    out : model directory.
    events : what its event file holds (`read_events`), the same on every rank; none to start
        afresh. An unfinished training is finished. A finished one is returned, unless `config`
        grants more calls: then it is continued with all it measured.
    info : further entries for model.json.
    writes : whether this rank writes files: one of a farm's ranks must.
    progress : called with what is being done, how much of it, and how much there is.

    Raises
    ------
    UsageError
        When the directory holds a training of something else or with other options.
    InterruptedTraining
        On SIGTERM or SIGINT, after the batch at hand; run again to go on. Only when this process
        is alone: ranks of a farm cannot stop one by one.
    """
    past = Past.of(events)
    start = _start(task, config)
    if past.start is not None:
        _check(past, start, out)
        if past.finished and config.calls <= past.start["config"]["calls"]:
            return load(out)
    again = past.start is not None and not past.finished
    prior = past.earlier if again else [*past.earlier, *evaluations(past.current)]
    log = Events(out / EVENTS if writes else None, past.current if again else (), past.lines)
    alone = getattr(farm, "size", 1) == 1 and writes
    with stop_on_signal(alone) as check:

        def on_batch(calls: int) -> None:
            progress("solver calls", calls, config.calls)
            check(calls)

        try:
            log.emit(**start)  # a resumed training skips it, as all it emitted before
            trained = Trainer(
                task, farm, config, log, evaluations(past.current) if again else (), prior, on_batch
            ).run()
            told = {"info": {**trained.model.info, **(info or {})}, "directory": out.absolute()}
            model = replace(trained.model, **told)
            if writes:
                save(model, out, trained.surrogate)
            log.emit("finished", kind=model.kind, calls=model.info["calls"])
        finally:
            log.close()
    return model


def _start(task: Task, config: TrainConfig) -> Event:
    return {
        "event": "start",
        "config": config.model_dump(),
        "space": task.space.to_dict(),
        "instances": [instance.id for instance in task.instances],
    }


def _check(past: Past, start: Event, out: Path) -> None:
    for key in ("space", "instances"):
        if _plain(start[key]) != _plain(past.start[key]):
            raise UsageError(
                f"{out} holds a training with other {key}: "
                "use --fresh to begin again, or another directory"
            )
    for key, value in start["config"].items():
        before = past.start["config"].get(key)
        if value != before and not (key == "calls" and past.finished):
            raise UsageError(
                f"{out} holds {'a' if past.finished else 'an unfinished'} training with "
                f"{key}={before}, not {value}: use {key}={before}, --fresh, or another directory"
            )


def _plain(value: Any) -> Any:
    """A value as it would come back from JSON."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


@contextmanager
def stop_on_signal(active: bool) -> Iterator[Callable[[int], None]]:
    """Yield a check that raises `InterruptedTraining` once SIGTERM or SIGINT has arrived."""
    arrived: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if arrived:  # asked twice: now
            raise KeyboardInterrupt
        arrived.append(number)

    def check(calls: int) -> None:
        if arrived:
            raise InterruptedTraining(
                f"stopped after {calls} calls; the same command continues from there"
            )

    if not active or threading.current_thread() is not threading.main_thread():
        yield check
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
