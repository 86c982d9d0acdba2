"""Benchmark ``frank-wolfe``: a quadratic on the simplex, by exact and forward gradients.

Only the averaged forward gradient gets below the floor at which the naive one stalls (Rostami &
Kia, arXiv 2403.12511). Every point asked for is checked to be in the simplex.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metasolve.optim import FrankWolfe, Simplex
from metasolve.report.result import Report, Result, Section, panels, save, silent, spread

Array = NDArray[np.float64]
EXACT, NAIVE, AVERAGED = "exact gradient", "naive forward", "averaged forward"
_COLOURS = {EXACT: "0.4", NAIVE: "#ee6677", AVERAGED: "#4477aa"}


@dataclass(frozen=True)
class Trace:
    """Gaps (seeds,) at some steps of one method, and whether all it asked for was feasible."""

    steps: list[int]
    gaps: list[Array]
    feasible: bool


@dataclass(frozen=True)
class Gaps:
    """The benchmark's outcome and what its figure needs besides."""

    result: Result
    traces: dict[str, Trace]

    def plot(self, path: Path) -> None:
        """Gap by step, with the spread over seeds."""
        figure, (axis,) = panels(1)
        for name, trace in self.traces.items():
            values = np.array(trace.gaps)
            axis.plot(trace.steps, values.mean(axis=1), color=_COLOURS[name], label=name)
            low, high = values.min(axis=1), values.max(axis=1)
            axis.fill_between(trace.steps, low, high, color=_COLOURS[name], alpha=0.2, lw=0)
        axis.set(xscale="log", yscale="log", xlabel="step", ylabel="f(x) - f(x*)")
        axis.set_title("½‖x - b‖² on the simplex, b inside", fontsize=10)
        axis.legend(fontsize=8)
        save(figure, path)


def run(seeds: Sequence[int], *, paper: bool = False, n: int = 50, report: Report = silent) -> Gaps:
    """Minimise ½‖x - b‖², b drawn evenly from the simplex for each seed, from a vertex.

    Parameters
    ----------
    seeds
        Of b and of the tangents.
    paper
        20,000 steps instead of 5,000.
    """
    steps = 20_000 if paper else 5_000
    b = np.array([np.random.default_rng(seed).dirichlet(np.ones(n)) for seed in seeds])
    traces = {}
    for done, name in enumerate((EXACT, NAIVE, AVERAGED)):
        report("frank-wolfe", done, 3)
        traces[name] = trace(name, b, steps, seeds[0])
    rows = []
    for at in (5_000, 20_000)[: 2 if paper else 1]:
        gaps = {name: each.gaps[each.steps.index(at)] for name, each in traces.items()}
        for name, each in traces.items():
            better = float(gaps[NAIVE].mean() / gaps[name].mean())
            row = {"method": name, "steps": at, **spread(gaps[name]), "better than naive": better}
            rows.append({**row, "all points feasible": each.feasible})
    settings = {"seeds": list(seeds), "paper": paper, "n": n}
    title = f"Gap f(x) - f(x*) of a quadratic on the {n}-simplex"
    return Gaps(Result("frank-wolfe", settings, (Section(title, rows),)), traces)


def trace(name: str, b: Array, steps: int, seed: int) -> Trace:
    """Run one method for all rows of b (seeds, n) at once."""
    domain = Simplex(b.shape[-1])
    optimiser = FrankWolfe(domain, np.eye(b.shape[-1])[[0] * len(b)], name == AVERAGED, seed=seed)
    moments = {int(at) for at in np.geomspace(1, steps, 60)} | {min(5_000, steps), steps}
    at, gaps, feasible = [], [], True
    for taken in range(1, steps + 1):
        if name == EXACT:
            optimiser.advance(optimiser.x - b)
        else:
            points = optimiser.ask()
            feasible &= bool(np.all(domain.contains(points)))
            optimiser.tell(_cost(points, b[:, None]))
        feasible &= bool(np.all(domain.contains(optimiser.x)))
        if taken in moments:
            at.append(taken)
            gaps.append(_cost(optimiser.x, b))
    return Trace(at, gaps, feasible)


def _cost(x: Array, b: Array) -> Array:
    cost: Array = 0.5 * np.sum((x - b) ** 2, axis=-1)
    return cost
