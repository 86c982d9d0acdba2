"""Tables, words and plots of measured and of simulated scaling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

from metasolve.report.result import Result, Section, panels, save
from metasolve.scaling.measurement import Row, Scaling
from metasolve.scaling.simulation import Durations, Overheads, Prediction, limit

LEVELS = (0.9, 0.5)  # efficiencies whose end is worth knowing
_SHOWN = 4  # ranks whose idle share fits in a table


@dataclass(frozen=True)
class Simulation:
    """Predictions, and what they stand on.

    Attributes
    ----------
    durations, overheads, evaluations : calls drawn from, what else is paid, calls per batch.
    predictions : one per number of ranks.
    """

    durations: Durations
    overheads: Overheads
    evaluations: int
    predictions: Sequence[Prediction]

    @property
    def result(self) -> Result:
        """As table and JSON."""
        settings = {
            "durations": self.durations.source,
            "mean_seconds": float(self.durations.actual.mean()),
            "longest_seconds": float(self.durations.actual.max()),
            "evaluations": self.evaluations,
            "overheads": asdict(self.overheads),
            "trainer_seconds": self.overheads.trainer(self.evaluations),
            "batch_below": {str(level): limit(self.predictions, level) for level in LEVELS},
            "step_below": {str(level): limit(self.predictions, level, True) for level in LEVELS},
        }
        title = f"{self.evaluations} evaluations per batch, simulated"
        rows = [_simulated(each) for each in self.predictions]
        return Result("scaling, simulated", settings, [Section(title, rows)])

    def lines(self) -> list[str]:
        """Where durations come from, and how many ranks are too many."""
        calls, trainer = self.durations.actual, self.overheads.trainer(self.evaluations)
        most = self.evaluations * calls.mean() / calls.max()
        return [
            f"durations: {self.durations.source}; mean {1e3 * calls.mean():.1f} ms, "
            f"longest {1e3 * calls.max():.1f} ms",
            f"no batch ends before its longest call: more than {most:.0f} ranks only wait for it",
            f"a step is a batch and {trainer:.2f} s of the trainer's own, the same on every rank",
            f"efficiency of a batch: {self._ends(step=False)}",
            f"efficiency of a step: {self._ends(step=True)}",
        ]

    def _ends(self, step: bool) -> str:
        found = {level: limit(self.predictions, level, step) for level in LEVELS}
        return ", ".join(
            f"below {level:g} " + ("nowhere here" if ranks is None else f"from {ranks} ranks on")
            for level, ranks in found.items()
        )

    def plot(self, path: Path) -> None:
        """Write efficiency over ranks, of a batch and of a step."""
        ranks = [each.ranks for each in self.predictions]
        figure, [axes] = panels(1)
        for level in LEVELS:
            axes.axhline(level, color="0.6", lw=0.9, ls="--")
        batch = [each.efficiency for each in self.predictions]
        step = [each.step_efficiency for each in self.predictions]
        axes.plot(ranks, batch, "o-", ms=4, color="#4477aa", label="batch")
        axes.plot(ranks, step, "s-", ms=4, color="#ee6677", label="step, trainer included")
        axes.set_xscale("log", base=2)
        axes.set(xlabel="ranks", ylabel="efficiency", ylim=(0, 1.05))
        axes.xaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%d"))
        axes.set_title(f"{self.evaluations} evaluations per batch, simulated", fontsize=10)
        axes.legend(fontsize=8)
        save(figure, path)


def _simulated(each: Prediction) -> dict[str, Any]:
    return {
        "ranks": each.ranks,
        "seconds": each.seconds,
        "calls/s": each.calls_per_second,
        "efficiency": each.efficiency,
        "idle": each.idle,
        "step seconds": each.step_seconds,
        "step efficiency": each.step_efficiency,
    }


@dataclass(frozen=True)
class Measured:
    """A measured scaling, to be shown.

    Attributes
    ----------
    scaling, seed : what was measured, and how it was drawn.
    """

    scaling: Scaling
    seed: int

    @property
    def result(self) -> Result:
        """As table and JSON."""
        low, high = self.scaling.spread
        settings = {
            "workload": self.scaling.workload,
            "seed": self.seed,
            "repeats": self._repeats,
            "spread": {"low_seconds": low, "high_seconds": high, "ratio": high / low},
            "call_overhead_seconds": self.scaling.call_overhead,
            "expected_seconds": list(self.scaling.expected),
            "samples": [asdict(each) for each in self.scaling.samples],
        }
        title = f"{len(self.scaling.expected)} calls per batch, {self.scaling.workload}"
        rows = [_measured(row) for row in self.scaling.rows()]
        return Result("scaling", settings, [Section(title, rows)])

    @property
    def _repeats(self) -> int:
        return sum(each.ranks == 1 for each in self.scaling.samples)

    def lines(self) -> list[str]:
        """What the table leaves out, in words."""
        low, high = self.scaling.spread
        return [
            f"calls take {1e3 * low:.1f} to {1e3 * high:.1f} ms (5th and 95th percentile): "
            f"{high / low:.0f}-fold; medians of {self._repeats} interleaved launches",
            "us: of a rank per call that does nothing, without and with a worker process; "
            f"to a call of these both add {1e6 * self.scaling.call_overhead:.0f} us on one rank",
        ]

    def plot(self, path: Path) -> None:
        """Write speed-up over ranks: measured, simulated, ideal."""
        rows = self.scaling.rows()
        ranks = [row.ranks for row in rows]
        figure, [axes] = panels(1)
        axes.plot(ranks, ranks, "--", color="0.6", lw=0.9, label="ideal")
        simulated, measured = [row.simulated for row in rows], [row.speedup for row in rows]
        axes.plot(ranks, simulated, "s-", ms=5, color="#ee6677", label="simulated")
        axes.plot(ranks, measured, "o-", ms=5, color="#4477aa", label="measured")
        axes.set(xlabel="ranks", ylabel="speed-up over one rank", xticks=ranks)
        axes.legend(fontsize=8)
        save(figure, path)


def _measured(row: Row) -> dict[str, Any]:
    idle = " ".join(f"{100 * share:.1f}%" for share in row.idle[:_SHOWN])
    return {
        "ranks": row.ranks,
        "calls/s": row.calls_per_second,
        "speed-up": row.speedup,
        "simulated": row.simulated,
        "efficiency": row.efficiency,
        "solves slower": row.slowdown,
        "idle": f"{idle} ..." if len(row.idle) > _SHOWN else idle,
        "farm us": 1e6 * row.scheduling,
        "+ worker us": 1e6 * row.overhead,
        "bytes/call": row.size,
    }
