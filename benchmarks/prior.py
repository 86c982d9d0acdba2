"""Benchmark ``prior``: what a choice without any training is worth on kinds that were left out.

Own settings are PETSc's defaults (GMRES with ILU(0)); where answers are to be exact, PETSc's own LU
with nested dissection. Systems that own settings do not solve are counted, not compared. Times are
those of the corpus: features and decision are not in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.prior_choice import (
    SMALL,
    Foreseen,
    Learner,
    costs,
    foresee,
    foresee_larger,
    forest,
    single_of_kind,
    single_of_others,
)
from benchmarks.prior_networks import networks
from benchmarks.prior_streams import streams
from benchmarks.prior_table import Array, Table, comparable, table
from metasolve.prior import read_candidates
from metasolve.prior.corpus import Row
from metasolve.report.result import Report, Result, Section, panels, save, silent
from metasolve.report.result import Row as Line

OURS = "prior (forest)"
ALONE = "the same, caution about a candidate's own time"
SLOWER = float(np.log(1.1))
_BLUE = "#4477aa"


@dataclass(frozen=True)
class PriorBenchmark:
    """The benchmark's outcome."""

    result: Result

    def plot(self, path: Path) -> None:
        """Gain on each kind that was left out, beside the best for each of its systems."""
        rows = list(reversed(self.result.sections[1].rows))
        figure, (axis,) = panels(1)
        places = np.arange(len(rows))
        axis.barh(places, [row["oracle"] for row in rows], color="0.85", label="best of each")
        axis.barh(places, [row["prior"] for row in rows], height=0.5, color=_BLUE, label="prior")
        axis.axvline(1.0, color="0.4", lw=0.9)
        axis.set_yticks(places, [row["kind"] for row in rows], fontsize=5)
        axis.set(xscale="log", xlabel="times faster than own settings")
        ticks = (0.5, 1, 2, 5, 10)
        axis.set_xticks(ticks, [f"{each:g}" for each in ticks])
        axis.minorticks_off()
        axis.legend(fontsize=7)
        save(figure, path)


def run(rows: Sequence[Row], rivals: bool = True, report: Report = silent) -> PriorBenchmark:
    """Leave one kind out, and its siblings; then streams of the kinds that were left out.

    Parameters
    ----------
    rivals
        Ensembles of networks are fitted, too, which takes minutes.
    """
    known = table(rows, read_candidates())
    learners = _learners() if rivals else {OURS: forest()}
    foreseen: dict[str, Foreseen] = {}
    for place, (name, learner) in enumerate(learners.items()):
        report("fits without a kind", place, len(learners))
        foreseen[name] = foresee(known, learner)
    report("streams", 0, 1)
    settings = {
        "systems": len(rows),
        "compared": len(known.rows),
        "own settings do not solve": sum(not comparable(row) for row in rows),
        "candidates": len(known.names),
    }
    sections = [
        Section("kinds left out: times faster than own settings", _overview(known, foreseen)),
        Section("each kind, left out of the fit with its siblings", _kinds(known, foreseen[OURS])),
        Section(
            f"fitted to at most {SMALL:,} unknowns: times faster on larger systems",
            _larger(known, learners[OURS]),
        ),
        Section("streams of 300 solves of a kind left out", _streams(known, foreseen[OURS])),
    ]
    return PriorBenchmark(Result("prior", settings, sections))


def _learners() -> Mapping[str, Learner]:
    return {
        OURS: forest(),
        "400 trees, unbounded": forest(400, 10_000),
        "12 networks, decay 0.1 to 1": networks((0.1, 1.0)),
        "12 networks, decay 1 to 10": networks((1.0, 10.0)),
    }


def _overview(known: Table, foreseen: Mapping[str, Foreseen]) -> list[Line]:
    ways = {name: costs(known, each.choices(known)) for name, each in foreseen.items()}
    ways |= {
        ALONE: costs(known, foreseen[OURS].choices(known, beside=False)),
        "own settings": np.zeros(len(known.rows)),
        "hand rule": costs(known, known.hand),
        "one setting, best for the other kinds": costs(known, single_of_others(known)),
        "one setting a kind, best in hindsight": costs(known, single_of_kind(known)),
        "best of all for each system": known.L.min(axis=1),
    }
    direct = np.array([row.direct for row in known.rows])
    return [{"choice": name, **_score(cost, direct)} for name, cost in ways.items()]


def _larger(known: Table, learner: Learner) -> list[Line]:
    larger, foreseen = foresee_larger(known, learner)
    direct = np.array([row.direct for row in larger.rows])
    ways = {
        OURS: costs(larger, foreseen.choices(larger)),
        "own settings": np.zeros(len(larger.rows)),
        "hand rule": costs(larger, larger.hand),
        "best of all for each system": larger.L.min(axis=1),
    }
    return [{"choice": name, **_score(cost, direct)} for name, cost in ways.items()]


def _score(cost: Array, direct: NDArray[np.bool_]) -> Line:
    return {
        "mean": _gain(cost),
        "iterative": _gain(cost[~direct]),
        "direct": _gain(cost[direct]),
        "worst": float(np.exp(-cost.max())),
        "slower than 1.1x": int((cost > SLOWER).sum()),
        "of": len(cost),
    }


def _kinds(known: Table, foreseen: Foreseen) -> list[Line]:
    ours, hand = costs(known, foreseen.choices(known)), costs(known, known.hand)
    fixed, oracle = costs(known, single_of_kind(known)), known.L.min(axis=1)
    lines: list[Line] = []
    for kind in sorted(set(known.kinds), key=lambda kind: (_siblings(known, kind), kind)):
        mine = known.kinds == kind
        parts = {"prior": ours, "hand": hand, "best fixed": fixed, "oracle": oracle}
        gains = {name: _gain(cost[mine]) for name, cost in parts.items()}
        worst = float(np.exp(-ours[mine].max()))
        slower = int((ours[mine] > SLOWER).sum())
        named = {"kind": str(kind), "leaves with": _siblings(known, kind)}
        lines.append(
            {**named, "systems": int(mine.sum()), **gains, "worst": worst, "slower": slower}
        )
    return lines


def _siblings(known: Table, kind: str) -> str:
    return str(known.siblings[known.kinds == kind][0])


def _streams(known: Table, foreseen: Foreseen) -> list[Line]:
    found = streams(known, foreseen)
    lines: list[Line] = []
    for way, each in found.taken.items():
        taken = np.array(each)
        lines.append(
            {
                "way": way,
                "first 20": _gain(taken[:, :20]),
                "first 100": _gain(taken[:, :100]),
                "last 100": _gain(taken[:, 200:]),
                "streams slower in all": int((np.array(found.lost[way]) > 0.03).sum()),
                "most extra time": max(0.0, *found.lost[way]),
            }
        )
    return lines


def _gain(cost: Array) -> float:
    return float(np.exp(-cost.mean())) if cost.size else 1.0
