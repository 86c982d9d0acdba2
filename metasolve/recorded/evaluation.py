"""`evaluate`: a model against its baselines on instances it was not trained on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from metasolve.baselines.contenders import chosen, constant, measure
from metasolve.baselines.global_search import GlobalSearch, cached
from metasolve.baselines.hand_rule import hand_rule
from metasolve.baselines.nearest import Nearest
from metasolve.baselines.oracle import best_of_each
from metasolve.errors import RecordingError, UsageError
from metasolve.model.directory import load
from metasolve.model.model import Model
from metasolve.petsc.recording import Recording
from metasolve.petsc.replay import Replay
from metasolve.recorded import contenders
from metasolve.recorded.in_order import in_order as sequences_of
from metasolve.recorded.reading import read
from metasolve.recorded.training import isolated
from metasolve.report.evaluation import (
    DEFAULT,
    EQUAL,
    GLOBAL,
    HAND,
    MODEL,
    NEAREST,
    ORACLE,
    Evaluation,
)
from metasolve.solve.cost import Cost
from metasolve.solve.instance import Instance
from metasolve.solve.solver import Solver, Value
from metasolve.train.events import read_events
from metasolve.train.past import EVENTS

Progress = Callable[[str, int, int], None]


def evaluate(
    model: str | os.PathLike[str],
    recording: str | os.PathLike[str],
    *,
    repeats: int = 5,
    limit: int | None = None,
    seed: int = 0,
    global_baseline: bool = True,
    selectors: bool = False,
    oracle: bool = False,
    in_order: bool = False,
    progress: Progress = lambda *_: None,
) -> Evaluation:
    """Measure a model, the program's defaults and the best global setting, interleaved.

    Parameters
    ----------
    model
        Model directory. The global setting is cached in its ``baselines`` folder.
    recording
        Recording directory; instances the model was trained on are left out.
    repeats
        Timed solves of each instance by each contender; medians count.
    limit
        At most so many instances, spread over the recording.
    seed
        Of the global search.
    global_baseline
        Whether to search for (or take from the cache) the best global setting.
    selectors
        Whether to measure other ways to choose by instance: the hand rule, and nearest neighbours
        among training's own evaluations.
    oracle
        Whether to try every joint choice of the space on every instance (cached).
    in_order
        Whether to solve the sequences of the recording in order, too, each by one KSP, where
        preconditioners may be kept.

    Raises
    ------
    ModelError, RecordingError
        If model or recording cannot be read, or no unseen instance is left.
    UsageError
        If an argument makes no sense.
    """
    if repeats < 1:
        raise UsageError(f"repeats={repeats} is not positive; 5 is a good start")
    directory = Path(model)
    trained = load(directory)
    seen, unseen = _split(trained, Recording(Path(recording)))
    known, unseen = unseen, _spread(unseen, limit)
    replay = Replay(space=trained.space)
    rivals = {
        DEFAULT: contenders.default(replay),
        EQUAL: contenders.default_to_equal_residual(replay),
    }
    calls = {"train": int(trained.info.get("calls", {}).get("train", 0))}
    found = None
    if global_baseline:
        tuned_on = seen or _training_instances(trained)
        solver = isolated(trained.space)
        search = _search(trained, solver, tuned_on, calls["train"], seed, progress)
        found = cached(search, directory / "baselines" / f"global-{calls['train']}-{seed}.json")
        solver.close()
        calls["global"] = found.calls
        rivals[GLOBAL] = constant(replay, found.settings)
    if selectors:
        near = _neighbours(directory, trained, seen or _training_instances(trained))
        rivals[HAND] = chosen(Replay(), hand_rule)
        rivals[NEAREST] = chosen(replay, near)
    if oracle:
        rivals[ORACLE] = chosen(replay, _best(directory, trained, unseen, progress))
    rivals[MODEL] = contenders.plugin(replay, directory)
    done = iter(range(1, len(unseen) + 1))
    measured = measure(
        rivals, unseen, repeats, lambda: progress("evaluate", next(done), len(unseen))
    )
    replay.destroy()
    seconds = trained.info.get("wall_seconds")
    ordered = sequences_of(known, directory, repeats, progress) if in_order else None
    setting = asdict(found) if found else None
    return Evaluation(unseen, measured, setting, calls, seconds, ordered)


def _split(model: Model, recording: Recording) -> tuple[list[Instance], list[Instance]]:
    known = set(model.info.get("trained_on", ()))
    instances = recording.instances()
    seen = [each for each in instances if each.id in known]
    unseen = [each for each in instances if each.id not in known]
    if not unseen:
        raise RecordingError(
            f"the model was trained on all {len(instances)} solves of {recording.path}: "
            "record some more, in another directory, and evaluate on those"
        )
    return seen, _replayable(unseen)


def _replayable(instances: list[Instance]) -> list[Instance]:
    """Those whose program is known well enough to fall back to it, as production does."""
    found = [each for each in instances if each.payload.host.replayable]
    if not found:
        raise RecordingError(
            f"the program's own configuration cannot be rebuilt "
            f"({instances[0].payload.host.why}): time the program itself, "
            "alone and under metasolve run"
        )
    return found


def _spread(instances: Sequence[Instance], limit: int | None) -> list[Instance]:
    if limit is None or limit >= len(instances):
        return list(instances)
    if limit < 1:
        raise UsageError(f"limit={limit} is not positive; leave it out for all instances")
    return [instances[i * len(instances) // limit] for i in range(limit)]


def _training_instances(model: Model) -> list[Instance]:
    """The instances the model was trained on, where its recording still is."""
    paths = [path for path in model.info.get("recordings") or [] if Path(path).exists()]
    known = set(model.info["trained_on"])
    return [each for each in read(paths).instances() if each.id in known] if paths else []


def _neighbours(directory: Path, model: Model, known: Sequence[Instance]) -> Nearest:
    """Nearest neighbours among what training itself evaluated."""
    if not known:
        raise UsageError("no instance to look for neighbours among: keep the recording trained on")
    return Nearest(model, known, read_events(directory / EVENTS))


def _best(
    directory: Path, model: Model, instances: Sequence[Instance], progress: Progress
) -> Callable[[Instance], Mapping[str, Value]]:
    """The fastest joint choice on each instance."""
    # What runs on far beyond the best so far is not the fastest: there is no need to be patient.
    solver = isolated(model.space, grace=1.0)
    folder, total = directory / "baselines", len(instances)
    best = best_of_each(
        solver, instances, model.space, folder, lambda done: progress("oracle", done, total)
    )
    solver.close()
    return lambda instance: best[instance.id]


def _search(
    model: Model,
    solver: Solver,
    instances: Sequence[Instance],
    calls: int,
    seed: int,
    progress: Progress,
) -> GlobalSearch:
    return GlobalSearch(
        model.space,
        solver,
        instances,
        calls,
        seed,
        Cost(model.info["measure"], model.info["cap"]),
        lambda done: progress("global search", done, calls),
    )


def write_json(evaluation: Evaluation, path: Path) -> None:
    """Write the evaluation as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(evaluation.to_dict(), indent=1, allow_nan=False) + "\n")
