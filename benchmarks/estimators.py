"""Benchmark ``estimators``: how good gradients of a recorded family are, per solver call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.gradient_quality import ALONE, ANYWHERE, POLICY, Quality, Workshop, compare
from metasolve.farm import Farm
from metasolve.gradient import METHODS, Method
from metasolve.report.result import Report, Result, Row, Section, panels, save, silent
from metasolve.train.config import TrainConfig
from metasolve.train.perturb import Plan
from metasolve.train.task import Task

CALLS = (300, 1200)
TANGENTS = (1, 2, 4)
_COLOURS = {"projected": "#4477aa", "mean": "#ee6677", "full": "#228833", "smoothed": "#ccbb44"}
_COLOURS |= {"posterior": "#aa3377"}
_STYLES = {"none": ":", "surrogate": "-"}


@dataclass(frozen=True)
class Estimators:
    """The benchmark's outcome."""

    result: Result

    def plot(self, path: Path) -> None:
        """One panel per table: cosine with the true gradient by solver calls."""
        sections = self.result.sections
        figure, axes = panels(len(sections), columns=2)
        for axis, section in zip(axes, sections, strict=True):
            for (name, variate), rows in _lines(section.rows).items():
                at = [row["calls"] for row in rows]
                values = np.array(
                    [[row[key] for key in ("cosine", "least", "most")] for row in rows]
                )
                middle, low, high = values.T
                error = np.maximum([middle - low, high - middle], 0.0)
                style = _STYLES[variate]
                axis.errorbar(at, middle, error, color=_COLOURS[name], ls=style, marker="o", ms=3,
                              capsize=2, label=f"{name}, {variate}")  # fmt: skip
            alone = next(row["cosine"] for row in section.rows if row["calls"] == 0)
            axis.axhline(alone, color="0.5", lw=0.9, label="surrogate alone")
            axis.set_title(section.title, fontsize=8)
            axis.set(xlabel="solver calls", ylabel="cosine with the gradient", ylim=(0, 1.02))
        axes[0].legend(fontsize=7)
        save(figure, path)


def run(
    task: Task,
    farm: Farm,
    seeds: Sequence[int],
    *,
    points: int = 16,
    calls: Sequence[int] = CALLS,
    measure: str = "iterations",
    report: Report = silent,
) -> Estimators:
    """Compare estimators on a family without choices.

    Parameters
    ----------
    task, farm
        Instances and settings, and where solver calls run.
    seeds
        One training, and base points of its own, for each.
    points
        Base points of each kind.
    calls
        Of the surrogate before estimates are judged, everything included.
    measure
        Of the cost: deterministic, so not seconds.
    """
    planned = plans(task.space.dim)
    sections, spent, done = [], 0, 0
    for budget in calls:
        found: dict[str, list[list[Quality]]] = {POLICY: [], ANYWHERE: []}
        for seed in seeds:
            report("trainings and comparisons", done, len(calls) * len(seeds))
            # Of the budget nothing is kept for a selection, which the benchmark has no use for.
            config = TrainConfig(calls=budget, seed=seed, measure=measure, estimator="projected",
                                 cap=5.0, selection_share=1e-6)  # fmt: skip
            workshop = Workshop(task, farm, config)
            for place, qualities in found.items():
                qualities.append(compare(workshop, place, points, planned))
            spent, done = spent + workshop.calls, done + 1
        for place, qualities in found.items():
            title = f"{place}, after {workshop.surrogate_calls} surrogate calls"
            sections.append(Section(title, rows(planned, qualities)))
    settings = {
        "settings": list(task.space.names),
        "instances": len(task.instances),
        "seeds": list(seeds),
        "points": points,
        "surrogate_calls": list(calls),
        "measure": measure,
        "calls": spent,
    }
    return Estimators(Result("estimators", settings, sections))


def plans(n: int) -> list[Plan]:
    """Every estimator with 1, 2, 4 and n tangents, with and without the surrogate."""
    return [ALONE, *_plans(sorted({min(k, n) for k in (*TANGENTS, n)}), n)]


def _plans(counts: Sequence[int], n: int) -> Iterator[Plan]:
    for name, chosen in METHODS.items():
        ks = (n,) if chosen.spanning else counts
        for variate in _variates(chosen):
            yield from (Plan(name, k, variate, "") for k in ks)


def _variates(chosen: Method) -> tuple[str, ...]:
    if chosen.conditions:  # without a surrogate it is `projected`
        return ("surrogate",)
    return ("none", "surrogate") if chosen.linear else ("none",)


def rows(planned: Sequence[Plan], qualities: Sequence[Sequence[Quality]]) -> list[Row]:
    """One row per plan: means over seeds, and the spread of the cosine."""
    return [_row(*each) for each in zip(planned, zip(*qualities, strict=True), strict=True)]


def _row(plan: Plan, seeds: Sequence[Quality]) -> Row:
    cosines = [each.cosine for each in seeds]
    variance = float(np.mean([each.variance for each in seeds]))
    return {
        "estimator": plan.estimator,
        "control variate": plan.control_variate,
        "tangents": plan.tangents,
        "calls": seeds[0].calls,
        "cosine": float(np.mean(cosines)),
        "least": min(cosines),
        "most": max(cosines),
        "of weights": float(np.mean([each.batch for each in seeds])),
        "relative error": float(np.mean([each.error for each in seeds])),
        "variance x calls": variance * seeds[0].calls,
    }


def _lines(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Rows of the methods drawn, by method and control variate."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["estimator"] in _COLOURS:
            found.setdefault((row["estimator"], row["control variate"]), []).append(row)
    return found
