"""A training as a directory: started, interrupted, resumed, enlarged, finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from metasolve.errors import UsageError
from metasolve.farm import Farm
from metasolve.farm.replaying import ReplayingFarm
from metasolve.model.directory import load, save
from metasolve.model.model import Model
from metasolve.train.config import TrainConfig
from metasolve.train.duration import Say, quiet, sentence
from metasolve.train.events import Event, Events, elapsed, read_events
from metasolve.train.interrupt import InterruptedTraining, stop_on_signal
from metasolve.train.past import EVENTS, Past, evaluations
from metasolve.train.task import Task
from metasolve.train.trainer import Trainer

ALONE = {"ranks": 1, "ranks_per_solve": 1}


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def train_task(
    task: Task,
    farm: Farm,
    out: Path,
    config: TrainConfig,
    events: Sequence[Event] = (),
    info: Mapping[str, Any] | None = None,
    writes: bool = True,
    progress: Callable[[str, int, int], None] = silent,
    ran_on: Mapping[str, Any] = ALONE,
    say: Say = quiet,
    before: float = 0.0,
) -> Model:
    """Train into a directory, going on where an interrupted training there stopped.

    Parameters
    ----------
    task, farm, config : what to learn, where solver calls run, options. Collective: yes, on the
        farm's ranks.
    out : model directory.
    events : what its event file holds (`read_past`), the same on every rank; none to start
        afresh. An unfinished training is finished. A finished one is returned, unless `config`
        grants more calls: then it is continued with all it measured.
    info : further entries for model.json.
    writes : whether this rank writes files: one of a farm's ranks must.
    progress : called with what is being done, how much of it, and how much there is.
    ran_on : number of `ranks` and `ranks_per_solve`: provenance, under that name in the first event
        and in model.json. A training may go on with other ranks, with other ranks per solve not.
    say : told in a sentence, before the first solver call, how long it may take.
    before : seconds that this start of the training has taken already, to be counted.

    Raises
    ------
    UsageError
        When the directory holds a training of something else or with other options.
    InterruptedTraining
        On SIGTERM, SIGINT or SIGUSR1, on all ranks, once what is being evaluated is logged; run
        again to go on.
    """
    past = Past.of(events)
    start = _start(task, config, ran_on)
    if past.start is not None:
        _check(past, past.start, start, out)
        same = _plain(start["instances"]) == past.start["instances"]
        used = past.start["config"]["calls"]
        if past.finished and same and config.calls <= used:
            return load(out)
        if past.finished and config.calls <= used:
            raise UsageError(
                f"calls={config.calls} are used up in {out}, and there are more systems now: give "
                "more, or leave --calls out"
            )
    again = past.start is not None and not past.finished
    earlier = past.earlier if again else [*past.earlier, *evaluations(past.current)]
    known = past.current if again else ()
    spent = elapsed(events) + before
    log = Events(out / EVENTS if writes else None, known, past.lines, spent)
    replaying = ReplayingFarm(evaluations(known), farm)

    def on_batch(calls: int) -> None:
        progress("solver calls", calls, config.calls)

    made = len(earlier) + len(evaluations(known))
    say(sentence(task.instances, config.calls - made, farm.size))
    try:
        with stop_on_signal(replaying.stop):
            log.emit(**start)  # a resumed training skips it, as all it emitted before
            trained = Trainer(task, replaying, config, log, earlier, on_batch).run()
            took = {"wall_seconds": log.elapsed}
            ran = {"ran_on": {**ran_on, **_shares(farm)}}
            told = {**trained.model.info, **took, **(info or {}), **ran}
            model = replace(trained.model, info=told, directory=out.absolute())
            if writes:
                save(model, out, trained.surrogate)
            wall = model.info["wall_seconds"]
            log.emit("finished", kind=model.kind, calls=model.info["calls"], wall_seconds=wall)
    except InterruptedTraining as stopped:
        stopped.args = (
            f"{stopped}, logged in {out / EVENTS}; the same command goes on from there",
        )
        raise
    finally:
        log.close()
    return model


def repeat(
    task: Task,
    out: Path,
    events: Sequence[Event],
    options: Mapping[str, Any],
    info: Mapping[str, Any],
    progress: Callable[[str, int, int], None] = silent,
) -> Model:
    """Train again from the recorded costs of a finished training; no solver is called.

    Parameters
    ----------
    task : what was learned.
    out : model directory, without a training.
    events : of the training, see `read_events`; where it was enlarged, it is enlarged again.
    options : fields of `TrainConfig` that shall differ.
    info, progress : as for `train_task`.

    Raises
    ------
    UsageError
        When `out` holds a training, or the task is another.
    ModelError
        When other evaluations are needed than were recorded.
    """
    if (out / EVENTS).exists():
        raise UsageError(f"{out} holds a training: use --fresh to forget it, or another directory")
    starts = [i for i, event in enumerate(events) if event["event"] == "start"]
    for first, end in zip(starts, [*starts[1:], len(events)], strict=True):
        start = events[first]
        then = task.of(start["instances"])
        if start["instances"] != [instance.id for instance in then.instances]:
            raise UsageError("the training to repeat had other instances: give it its recordings")
        config = TrainConfig(**{**_config(start), **options})
        farm, known = ReplayingFarm(evaluations(events[first:end])), read_events(out / EVENTS)
        ran_on = start.get("ran_on", ALONE)
        told = {**info, "wall_seconds": _wall(events[first:end])}
        model = train_task(then, farm, out, config, known, told, progress=progress, ran_on=ran_on)
    return model


def _wall(events: Sequence[Event]) -> float | None:
    """Seconds that a training took where its log says it: to repeat it takes less."""
    return next((e.get("wall_seconds") for e in events if e["event"] == "finished"), None)


def _shares(farm: Farm) -> dict[str, float]:
    """What the farm's ranks exchanged."""
    return {"bytes_per_evaluation": round(farm.bytes / max(farm.calls, 1), 1)}


def _start(task: Task, config: TrainConfig, ran_on: Mapping[str, Any]) -> Event:
    told = [] if task.expertise is None else list(task.expertise.journal)
    return {
        "event": "start",
        "config": config.model_dump(),
        "space": task.space.to_dict(),
        "instances": [instance.id for instance in task.instances],
        **({"journal": told} if told else {}),
        "ran_on": dict(ran_on),
    }


def _check(past: Past, began: Event, start: Event, out: Path) -> None:
    more = past.finished and set(began["instances"]) < set(start["instances"])
    for key in ("space",) if more else ("space", "instances"):
        if _plain(start[key]) != _plain(began[key]):
            raise UsageError(
                f"{out} holds a training with other {key}: "
                "use --fresh to begin again, or another directory"
            )
    options, held = (
        {**_config(each), "ranks_per_solve": each.get("ran_on", ALONE)["ranks_per_solve"]}
        for each in (start, began)
    )
    for key, value in options.items():
        before = held.get(key)
        if value != before and not (key == "calls" and past.finished):
            raise UsageError(
                f"{out} holds {'a' if past.finished else 'an unfinished'} training with "
                f"{key}={before}, not {value}: use {key}={before}, --fresh, or another directory"
            )


def _config(start: Event) -> dict[str, Any]:
    """Options a training began with, in today's terms where those of its version differ."""
    today = TrainConfig(control_variate=start["config"]["control_variate"])
    return {
        "prior": "none",
        "optimizer": "adam",
        **start["config"],
        "control_variate": today.control_variate,
    }


def _plain(value: Any) -> Any:
    """A value as it would come back from JSON."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
