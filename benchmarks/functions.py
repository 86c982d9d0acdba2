"""Benchmark ``functions``: what estimators do on test functions, in two published set-ups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import control_variates, multi_tangent
from benchmarks.objectives import OBJECTIVES
from metasolve.report.result import Report, Result, Row, Section, panels, save, silent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {"true": "0.4", "mean": "#ee6677", "projected": "#4477aa"}
_GRADIENTS = dict(
    zip(
        (control_variates.TRUE, control_variates.PLAIN, control_variates.SURROGATE),
        _COLOURS.values(),
        strict=True,
    )
)


@dataclass(frozen=True)
class Functions:
    """The benchmark's outcome and what its figure needs besides."""

    result: Result
    histories: Mapping[str, list[list[float]]]
    steps: int

    def plot(self, path: Path) -> None:
        """Final value by case above, value by step below."""
        tangents, variates = (section.rows for section in self.result.sections)
        cases = list(dict.fromkeys((row["function"], row["n"]) for row in tangents))
        largest = max(row["d"] for row in variates)
        names = control_variates.FUNCTIONS
        shown = cases if len(cases) <= 6 else [case for case in cases if case in multi_tangent.SOME]
        figure, axes = panels(len(shown) + len(names), columns=3)
        for axis, case in zip(axes, shown, strict=False):
            _bars(axis, case, [row for row in tangents if (row["function"], row["n"]) == case])
        for axis, name in zip(axes[len(shown) :], names, strict=True):
            for gradient, colour in _GRADIENTS.items():
                values = np.array(self.histories[f"{name} / {gradient}"])
                at = np.linspace(0, self.steps, values.shape[1])
                axis.plot(at, values.mean(axis=0), color=colour, label=gradient)
                axis.fill_between(at, values.min(0), values.max(0), color=colour, alpha=0.2, lw=0)
            axis.set(
                yscale="log", xlabel="step", ylabel="mean value", title=f"{name}, d = {largest}"
            )
            axis.legend(fontsize=8)
        save(figure, path)


def run(
    seeds: Sequence[int],
    *,
    paper: bool = False,
    steps: int | None = None,
    dimensions: Sequence[int] = control_variates.DIMENSIONS,
    out: Path | None = None,
    report: Report = silent,
) -> Functions:
    """Run both set-ups.

    Parameters
    ----------
    seeds
        One run of everything random for each.
    paper
        The published size: every n and k; 50,000 steps of Adam instead of 500.
    steps
        Of Adam, instead of these.
    dimensions
        Of the control variates, all even.
    out
        Directory that keeps finished runs with control variates; a killed benchmark goes on there.
    """
    steps = steps or (50_000 if paper else 500)
    rows = multi_tangent.measure(seeds, paper, report)
    variates, histories = control_variates.measure(seeds, dimensions, steps, report, out)
    sections = (
        Section("Multi-tangent forward gradients: final value after gradient descent", rows),
        Section("Control variates: final value after Adam, mean of 100 points", variates),
    )
    settings = {"seeds": list(seeds), "paper": paper, "adam_steps": steps}
    return Functions(Result("functions", settings, sections), histories, steps)


def _bars(axis: Axes, case: tuple[str, int], rows: Sequence[Row]) -> None:
    least = case[1] * OBJECTIVES[case[0]].least
    above = np.array([[row[key] - least for key in ("min", "mean", "max")] for row in rows])
    above[above < 1e-12 * abs(least)] = 0.0  # the minimum itself, up to rounding
    floor = 0.1 * above[above > 0].min(initial=1.0)
    for place, (row, (low, middle, high)) in enumerate(zip(rows, above, strict=True)):
        colour = _COLOURS[row["method"]]
        if middle == 0.0:  # has no place on a logarithmic axis
            axis.plot(place, floor, marker="v", color=colour)
            continue
        error = np.maximum([[middle - low], [high - middle]], 0.0)  # rounding of equal values
        axis.errorbar(place, middle, yerr=error, fmt="o", capsize=3, color=colour)
    axis.set_xticks(range(len(rows)), [_label(row) for row in rows], fontsize=7)
    axis.set(
        yscale="log", ylabel="final value above the minimum", title=f"{case[0]}, n = {case[1]}"
    )


def _label(row: Row) -> str:
    return f"{row['method']}\nk = {row['k']}" if row["k"] else row["method"]
