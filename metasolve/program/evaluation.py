"""Evaluation on a program: its own settings, one global setting and the model, on unseen runs."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from metasolve.baselines.contenders import Solve, measure
from metasolve.baselines.global_search import GlobalSearch, cached
from metasolve.errors import UsageError
from metasolve.model.directory import load
from metasolve.model.model import Model
from metasolve.program.case import Case
from metasolve.program.case_file import case_of, read_case
from metasolve.program.consistency import check_program
from metasolve.program.instances import instance, instances
from metasolve.program.process import sweep
from metasolve.program.solver import ProgramSolver
from metasolve.report.evaluation import DEFAULT, GLOBAL, MODEL, Evaluation
from metasolve.solve.cost import Cost
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Budget

ORACLE = "oracle"
_ORACLE_CALLS = 40  # for each instance
Progress = Callable[[str, int, int], None]


def evaluate_case(
    model: str | os.PathLike[str],
    case: str | os.PathLike[str] | None = None,
    *,
    repeats: int = 3,
    limit: int | None = None,
    seed: int = 0,
    global_baseline: bool = True,
    oracle: bool = False,
    progress: Progress = lambda *_: None,
) -> Evaluation:
    """Measure a model, the program's own settings and the best global setting, interleaved.

    Parameters
    ----------
    model : model directory. Global settings and oracles are cached in its ``baselines`` folder.
    case : case.toml to draw unseen instances from; by default the one trained on.
    repeats : timed runs of each instance by each contender; medians count.
    limit : number of instances; by default 32.
    seed : of the instances and of the searches; other instances than those of training.
    global_baseline : whether to search for (or take from the cache) the best global setting.
    oracle : whether to search for (or take from the cache) the best settings of each instance.

    Raises
    ------
    UsageError, ModelError
        If an argument, the case or the model is unusable.
    """
    if repeats < 1:
        raise UsageError(f"repeats={repeats} is not positive; 3 is a good start")
    directory = Path(model)
    trained = load(directory)
    own = case_of(trained)
    case_ = own if case is None else read_case(Path(case))
    check_program(case_)
    sweep()
    solver = ProgramSolver(case_)
    unseen = _unseen(case_, trained, limit, seed)
    calls = int(trained.info["calls"]["train"])
    counted = {"train": calls}
    rivals: dict[str, Solve] = {DEFAULT: lambda each: (solver.solve(each, {}, Budget()), {})}
    found = None
    if global_baseline:
        seen = _seen(own, trained)
        search = _search(trained, ProgramSolver(own), seen, calls, seed, progress)
        found = cached(search, directory / "baselines" / f"global-{calls}-{seed}.json")
        counted["global"], settings = found.calls, found.settings
        rivals[GLOBAL] = lambda each: (solver.solve(each, settings, Budget()), {})
    if oracle:
        rivals[ORACLE] = _oracle(trained, solver, unseen, seed, progress)
        counted[ORACLE] = _ORACLE_CALLS * len(unseen)
    accelerated = ProgramSolver(case_, trained)
    rivals[MODEL] = lambda each: guarded(trained, accelerated, solver, each)
    done = iter(range(1, len(unseen) + 1))
    measured = measure(
        rivals, unseen, repeats, lambda: progress("evaluate", next(done), len(unseen))
    )
    seconds = trained.info.get("wall_seconds")
    return Evaluation(unseen, measured, asdict(found) if found else None, counted, seconds)


def guarded(
    model: Model, solver: ProgramSolver, own: ProgramSolver, instance: Instance
) -> tuple[Outcome, dict[str, Any]]:
    """A run as in production: refused, under the model's settings, or after a failure rerun.

    `solver` starts nonlinear solves where the model says; `own` runs the program as it is.
    """
    began = time.perf_counter()
    why = model.refuses(instance.features)
    settings = {} if why else model.settings(instance.features)
    record: dict[str, Any] = {"settings": settings, "why": why}
    record["seconds"] = {"decision": time.perf_counter() - began}
    if not settings:
        return solver.solve(instance, {}, Budget()), {**record, "source": "refused"}
    spent, second = 0.0, model.second_choice(instance.features)
    attempts = {"model": settings, "second": second, "fallback": {}}
    for source, chosen in attempts.items():
        if source == "second" and not second:
            continue
        by = own if source == "fallback" else solver
        found = by.solve(instance, chosen, Budget())
        spent += found.solve_seconds
        # What production sees: an answer that changed looks like a success there.
        passed = found.reason in (Reason.CONVERGED, Reason.WRONG_RESIDUAL)
        if passed or source == "fallback" or not solver.case.rerunnable:
            break
        record["why"] = found.message
    record |= {"source": source, "settings": chosen or settings}
    return replace(found, solve_seconds=spent), record


def _unseen(case: Case, model: Model, limit: int | None, seed: int) -> list[Instance]:
    """Instances drawn with a seed of their own, without those trained on."""
    count = 32 if limit is None else limit
    if count < 1:
        raise UsageError(f"limit={limit} is not positive; leave it out for 32 instances")
    known = set(model.info["trained_on"])
    many = len(known) + count if case.runs is not None else count
    drawn = [each for each in instances(case, many, (seed, 7)) if each.id not in known]
    if not drawn:
        raise UsageError(f"runs={case.runs!r}: the model was trained on all of them; add some")
    return drawn[:count]


def _seen(case: Case, model: Model) -> list[Instance]:
    known = set(model.info["trained_on"])
    drawn = [instance(case, arguments) for arguments in model.info["instances"]]
    return [each for each in drawn if each.id in known]


def _search(
    model: Model,
    solver: ProgramSolver,
    known: Sequence[Instance],
    calls: int,
    seed: int,
    progress: Progress,
    what: str = "global search",
) -> GlobalSearch:
    cost = Cost(model.info["measure"], model.info["cap"])
    return GlobalSearch(
        model.space, solver, known, calls, seed, cost, lambda done: progress(what, done, calls)
    )


def _oracle(
    model: Model,
    solver: ProgramSolver,
    unseen: Sequence[Instance],
    seed: int,
    progress: Progress,
) -> Solve:
    """The best settings of each instance that a search on it alone finds."""
    best = {}
    folder = (model.directory or Path()) / "baselines"
    for number, each in enumerate(unseen):
        search = _search(
            model, solver, [each], _ORACLE_CALLS, seed, progress, f"oracle {number + 1}"
        )
        name = hashlib.sha256(each.id.encode()).hexdigest()[:12]
        path = folder / f"oracle-{_ORACLE_CALLS}-{seed}-{name}.json"
        best[each.id] = cached(search, path).settings
    return lambda each: (solver.solve(each, best[each.id], Budget()), {})
