"""Benchmark ``sequences``: keep a preconditioner, or build it anew, for systems that change.

What each solve of generated sequences takes with a preconditioner of each earlier step is measured
once, in seconds of the processor; rules are then simulated on these tables, and see only what they
have paid for. Decisions and the look at the operator are not in the times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.parts import Part, Parts
from benchmarks.sequence_change import changes
from benchmarks.sequence_kinds import KINDS, OLDEST, STEPS, Trajectory
from benchmarks.sequence_measurement import CUT, HOSTS, MOST, anew, measure
from benchmarks.sequence_prior import Key, Tables
from benchmarks.sequence_score import DIAGONAL, LAG, ORACLE, OURS, Scores, score
from benchmarks.sequence_table import table, usable
from metasolve.report.result import Report, Result, Section, panels, save, silent

DIMENSIONS = (2, 3)
_SHOWN = {ORACLE: "0.85", OURS: "#4477aa", DIAGONAL: "#ccbb44", LAG: "#ee6677"}


@dataclass(frozen=True)
class SequencesBenchmark:
    """The benchmark's outcome."""

    result: Result

    def plot(self, path: Path) -> None:
        """Gains by kind of sequence, beside the oracle's."""
        rows = list(reversed(self.result.sections[1].rows))
        figure, (axis,) = panels(1)
        places = np.arange(len(rows))
        for place, (name, colour) in enumerate(_SHOWN.items()):
            gains = [row[name] for row in rows]
            height, at = (0.9, places) if name == ORACLE else (0.25, places + 0.5 - 0.25 * place)
            axis.barh(at, gains, height=height, color=colour, label=name)
        axis.axvline(1.0, color="0.4", lw=0.9)
        axis.set_yticks(places, [row["kind"] for row in rows], fontsize=6)
        axis.set(xlabel="times faster than building always")
        figure.legend(fontsize=6, ncols=2, loc="outside upper center")
        save(figure, path)


def run(seeds: Sequence[int], out: Path | None, report: Report = silent) -> SequencesBenchmark:
    """Measure, or take up what was measured; then simulate.

    Parameters
    ----------
    out
        Keeps what is measured; a killed benchmark goes on there.
    """
    tables, failed = measured(seeds, out, report)
    report("rules", 0, 1)
    scores = score(tables)
    settings = {
        "seeds": list(seeds),
        "sequences": len(tables),
        "steps": STEPS,
        "oldest preconditioner": OLDEST,
        "the host does not solve": failed,
        **scores.numbers,
    }
    return SequencesBenchmark(Result("sequences", settings, _sections(scores, list(tables))))


def _sections(scores: Scores, keys: list[Key]) -> list[Section]:
    kinds = [(kind, d) for kind in KINDS for d in DIMENSIONS]
    rows = [
        {"kind": f"{kind}, {d}D", **scores.part(mine)}
        for kind, d in kinds
        if (mine := [key for key in keys if (key[0].kind, key[0].dimension) == (kind, d)])
    ]
    hosts = [
        {"host": host, **scores.part(mine)}
        for host in HOSTS
        if (mine := [key for key in keys if key[1] == host])
    ]
    seeds = [
        {"seed": seed, **scores.part([key for key in keys if key[0].seed == seed])}
        for seed in sorted({key[0].seed for key in keys})
    ]
    prior = [
        {"host": host, "mean": mean, "deviation": float(np.sqrt(variance))}
        for host, (mean, variance) in scores.priors.items()
    ]
    rules = [{"rule": name, **scores.row(runs)} for name, runs in scores.runs.items()]
    parts = [{"rule": name, **scores.row(runs)} for name, runs in scores.variants.items()]
    return [
        Section("rules: times faster than building always", rules),
        Section("kinds of sequences", rows),
        Section("hosts", hosts),
        Section("seeds", seeds),
        Section("parts of the rule", parts),
        Section("GAMG's interpolation, new or the first: over the first, always", scores.ways()),
        Section("prior: logarithm of what a unit of change adds, by host", prior),
    ]


def measured(
    seeds: Sequence[int], out: Path | None, report: Report = silent
) -> tuple[Tables, list[str]]:
    """Tables of all sequences and hosts, and the names of those that a host does not solve."""
    asked = {
        f"{each.name}-{host}": (each, host)
        for seed in seeds
        for each in trajectories(seed)
        for host in HOSTS
    }
    parts = Parts(out, {"steps": STEPS, "cut": CUT, "most": MOST})
    measures = {name: partial(measure, *key) for name, key in asked.items()}
    found = parts.side_by_side("solves", measures, report)
    firsts = {f"{name}-anew": partial(anew, *key) for name, key in asked.items()}
    new = parts.side_by_side("new solvers", firsts, report)
    looks = {
        f"{each.name}-changes": partial(looked, each)
        for seed in seeds
        for each in trajectories(seed)
    }
    moved = parts.side_by_side("changes of operators", looks, report)
    tables = {
        (each, host): table(
            found[name],
            moved[f"{each.name}-changes"]["changes"],
            HOSTS[host].rtol,
            new[f"{name}-anew"]["seconds"],
        )
        for name, (each, host) in asked.items()
        if usable(found[name])
    }
    return tables, [name for name in asked if not usable(found[name])]


def trajectories(seed: int) -> list[Trajectory]:
    """All of one seed."""
    return [Trajectory(kind, d, seed) for d in DIMENSIONS for kind in KINDS]


def looked(each: Trajectory) -> Part:
    """How far a trajectory's operators move."""
    found: dict[str, Any] = {"changes": changes(each.systems())}
    return found
