"""Benchmark ``sequence-training``: training on sequences, with set-ups that are kept and without.

Programs of time steps are recorded. Two models learn from the same recording with as many solver
calls: one values a setting by what a single solve takes, the other as it is used in a sequence,
where a set-up serves several operators. Both then solve sequences of runs that neither has seen, in
order, by the plug-in.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.parity_sources import record_words
from benchmarks.parts import Part, Parts
from metasolve.recorded.in_order import in_order
from metasolve.recorded.reading import provenance, read
from metasolve.recorded.training import opened
from metasolve.report.result import Report, Result, Section, silent
from metasolve.train.config import TrainConfig
from metasolve.train.past import read_past
from metasolve.train.session import train_task
from metasolve.train.task import Task

_HEAT = "heat/heat -n {n} -contrast {contrast} -steps 24 -quiet"
PROGRAMS = {
    "resting disc, growing steps": _HEAT + " -speed 0 -dt 1e-5 -growth 1.3",
    "disc, moving slowly": _HEAT + " -speed 0.05 -dt 1e-3 -growth 1",
    "disc, moving fast": _HEAT + " -speed 2 -dt 1e-3 -growth 1",
    "heat, TS ex13": "tutorials/ex13 -da_grid_x {n} -da_grid_y {n} -ts_type beuler "
    "-ts_max_steps 24",
}
SEEN = ((70, 10.0), (90, 100.0), (110, 1000.0))  #: n and contrast of the runs that are learned from
UNSEEN = ((80, 30.0), (100, 300.0))
WAYS = ("single solves", "sequences")


def run(
    calls: int, seeds: Sequence[int], repeats: int, out: Path | None, report: Report = silent
) -> Result:
    """Train both ways on each program, and solve what neither has seen.

    Parameters
    ----------
    out : keeps recordings, models and what is finished; the same benchmark goes on from there.
    """
    settings = {"calls": calls, "repeats": repeats}
    parts, rows = Parts(out, settings), list[Mapping[str, Any]]()
    asked = list(product(PROGRAMS, seeds))
    with nullcontext(out) if out else TemporaryDirectory() as place:
        for number, (name, seed) in enumerate(asked):
            folder = Path(place) / name.replace(",", "").replace(" ", "-")
            done = partial(_told, report, len(WAYS) * calls, number, len(asked))
            done(0)
            measure = partial(_measured, folder, PROGRAMS[name], calls, seed, repeats, done)
            found = parts.of(f"{folder.name}-{seed}", measure)
            rows.append({"program": name, "seed": seed, **found})
    title = "unseen sequences: times faster than own settings, by what was learned from"
    return Result("sequence training", {**settings, "seeds": list(seeds)}, [Section(title, rows)])


def _told(report: Report, calls: int, number: int, parts: int, done: int) -> None:
    report("solver calls", number * calls + done, parts * calls)


def _measured(
    folder: Path, words: str, calls: int, seed: int, repeats: int, done: Callable[[int], None]
) -> Part:
    seen, unseen = _recorded(words, SEEN, folder / "seen"), _recorded(words, UNSEEN, folder / "new")
    instances, recorded = read(unseen).instances(), read(seen)
    models = {way: folder / f"{way}-{seed}" for way in WAYS}
    with opened(seen) as (task, farm):
        config, where = TrainConfig(calls=calls, seed=seed), provenance(recorded, None)
        for before, model, each in zip(
            (0, calls), models.values(), (_alone(task), task), strict=True
        ):
            past, made = read_past(model), partial(_made, done, before)
            train_task(each, farm, model, config, past, where, progress=made)
    found = Part()
    for way, model in models.items():
        told = in_order(instances, model, repeats)
        own, kept = told.seconds["own"], told.seconds["kept"]
        kept_ones = told.preconditioners.get("kept", 0)
        found |= {"own, s": own, way: own / kept, f"{way}: kept": kept_ones}
    return {"systems": len(instances), **found, "gain": found[WAYS[1]] / found[WAYS[0]]}


def _made(done: Callable[[int], None], before: int, _: str, calls: int, __: int) -> None:
    done(before + calls)


def _recorded(words: str, runs: Sequence[tuple[int, float]], folder: Path) -> Path:
    """Record a program's runs; what was begun and not finished begins anew."""
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        for n, contrast in runs:
            record_words(words.format(n=n, contrast=contrast), part)
        part.rename(folder)
    return folder


def _alone(task: Task) -> Task:
    """The same, of systems that nobody knows to follow each other."""
    return replace(task, instances=[replace(each, drift=None) for each in task.instances])
