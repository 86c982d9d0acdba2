"""Benchmark ``sequence-training``: training on sequences, with set-ups that are kept and without.

Programs of time steps are recorded. Two models learn from the same recording with as many solver
calls: one values a setting by what a single solve takes, the other as it is used in a sequence,
where a set-up serves several operators. Both then solve sequences of runs that neither has seen, in
order, by the plug-in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.parity_sources import record_words
from benchmarks.parts import Part, Parts
from metasolve.petsc.recording import Recording
from metasolve.recorded.in_order import in_order
from metasolve.recorded.training import opened
from metasolve.report.result import Report, Result, Section, silent
from metasolve.train.config import TrainConfig
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
    out : keeps what is finished; the same benchmark goes on from there.
    """
    settings = {"calls": calls, "repeats": repeats}
    parts, rows = Parts(out, settings), list[Mapping[str, Any]]()
    for number, (name, words) in enumerate(PROGRAMS.items()):
        for seed in seeds:
            report(f"{name}, seed {seed}", number, len(PROGRAMS))
            measure = partial(_measured, words, calls, seed, repeats)
            found = parts.of(f"{words.split()[0].replace('/', '-')}-{number}-{seed}", measure)
            rows.append({"program": name, "seed": seed, **found})
    title = "unseen sequences: times faster than own settings, by what was learned from"
    return Result("sequence training", {**settings, "seeds": list(seeds)}, [Section(title, rows)])


def _measured(words: str, calls: int, seed: int, repeats: int) -> Part:
    with TemporaryDirectory() as name:
        folder, found = Path(name), Part()
        for part, runs in (("seen", SEEN), ("unseen", UNSEEN)):
            for n, contrast in runs:
                record_words(words.format(n=n, contrast=contrast), folder / part)
        unseen = Recording(folder / "unseen").instances()
        with opened(folder / "seen") as (task, farm):
            config = TrainConfig(calls=calls, seed=seed)
            for way, each in zip(WAYS, (_alone(task), task), strict=True):
                train_task(each, farm, folder / way, config)
        for way in WAYS:
            told = in_order(unseen, folder / way, repeats)
            own, kept = told.seconds["own"], told.seconds["kept"]
            kept_ones = told.preconditioners.get("kept", 0)
            found |= {"own, s": own, way: own / kept, f"{way}: kept": kept_ones}
        return {"systems": len(unseen), **found, "gain": found[WAYS[1]] / found[WAYS[0]]}


def _alone(task: Task) -> Task:
    """The same, of systems that nobody knows to follow each other."""
    return replace(task, instances=[replace(each, drift=None) for each in task.instances])
