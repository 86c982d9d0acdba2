"""Benchmark ``calls``: what models are worth that were trained with few calls, and with many.

Trainings that begin from the prior, and trainings that begin from nothing, for several numbers of
calls and seeds. Beside them the prior alone, of which nothing was trained. All meet on recorded
systems that no training saw, through the plug-in, interleaved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metasolve.baselines.contenders import Measurements, Solve, measure
from metasolve.files.shipped import shipped
from metasolve.petsc.recording import Recording
from metasolve.petsc.replay import Replay
from metasolve.recorded import contenders
from metasolve.recorded.training import train
from metasolve.report.result import Report, Result, Section, panels, save, silent, spread
from metasolve.solve.instance import Instance

OWN, ALONE = "the program's own settings", "the prior alone, nothing trained"
STARTS = {"shipped": "from the prior", "none": "from nothing"}
_SLOWER = np.log(1.1)


@dataclass(frozen=True)
class Trained:
    """A training of the comparison."""

    start: str
    calls: int
    seed: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.start}-{self.calls}-{self.seed}"


@dataclass(frozen=True)
class Calls:
    """The benchmark's outcome."""

    result: Result

    def plot(self, path: Path) -> None:
        """Speed-up over calls, mean and range over seeds."""
        figure, [axis] = panels(1)
        rows = self.result.sections[0].rows
        for start in STARTS.values():
            mine = [row for row in rows if row["training"] == start]
            x = [row["calls"] for row in mine]
            axis.plot(x, [row["mean"] for row in mine], marker="o", label=start)
            axis.fill_between(x, [r["min"] for r in mine], [r["max"] for r in mine], alpha=0.2)
        alone = next(row for row in rows if row["training"] == ALONE)
        axis.axhline(alone["mean"], color="0.4", ls="--", label=ALONE)
        axis.set(xscale="log", xlabel="solver calls", ylabel="speed-up, unseen systems")
        axis.legend(fontsize=8)
        save(figure, path)


def run(
    recording: Path,
    unseen: Path,
    out: Path,
    calls: Sequence[int],
    seeds: Sequence[int],
    *,
    repeats: int = 5,
    report: Report = silent,
) -> Calls:
    """Train all models that `out` does not hold yet, and race them on the unseen systems.

    Trainings with as many calls and one seed follow each other, so that a busy machine hits both.
    """
    trained = [Trained(start, n, seed) for seed in seeds for n in calls for start in STARTS]
    for done, each in enumerate(trained):
        report("trainings", done, len(trained))
        train(recording, out / each.name, calls=each.calls, seed=each.seed, prior=each.start)
    instances = Recording(unseen).instances()
    measured = _race([out / each.name for each in trained], instances, repeats, report)
    rows = [
        row_of(instances, measured, OWN, 0, [OWN]),
        row_of(instances, measured, ALONE, 0, [ALONE]),
    ]
    for start, told in STARTS.items():
        for n in calls:
            mine = [each.name for each in trained if (each.start, each.calls) == (start, n)]
            rows.append(row_of(instances, measured, told, n, mine))
    settings = {"recording": str(recording), "unseen": len(instances), "seeds": list(seeds)}
    title = f"speed-up over the program's own settings on {len(instances)} unseen systems"
    return Calls(Result("calls", settings, [Section(title, rows)]))


def _race(
    models: Sequence[Path], instances: Sequence[Instance], repeats: int, report: Report
) -> Mapping[str, Mapping[str, Measurements]]:
    replay = Replay()
    rivals: dict[str, Solve] = {
        OWN: contenders.default(replay),
        ALONE: contenders.plugin(replay, shipped()),
        **{model.name: contenders.plugin(replay, model) for model in models},
    }
    done = iter(range(1, len(instances) + 1))
    try:
        return measure(
            rivals, instances, repeats, lambda: report("race", next(done), len(instances))
        )
    finally:
        replay.destroy()


def row_of(
    instances: Sequence[Instance],
    measured: Mapping[str, Mapping[str, Measurements]],
    training: str,
    calls: int,
    names: Sequence[str],
) -> dict[str, Any]:
    """Mean and range over seeds of the geometric mean; what was slower of all, and what failed.

    Failed is what does not meet the tolerance where the program's own answers do.
    """
    seconds = {
        name: np.array([measured[name][each.id].seconds(each.setup_share) for each in instances])
        for name in [OWN, *names]
    }
    gains = np.log([seconds[OWN] / seconds[name] for name in names])
    answered = [key for key, own in measured[OWN].items() if all(o.ok for o in own.outcomes)]
    outcomes = [o for name in names for key in answered for o in measured[name][key].outcomes]
    return {
        "training": training,
        "calls": calls,
        **spread(np.exp(gains.mean(axis=1))),
        "in total": float(np.mean([seconds[OWN].sum() / seconds[name].sum() for name in names])),
        "slower than 1.1x": int((gains < -_SLOWER).sum()),
        "slowest": float(np.exp(gains.min())),
        "failed": sum(not each.ok for each in outcomes),
    }
