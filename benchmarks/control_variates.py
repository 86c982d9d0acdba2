"""Minimising test functions with a surrogate as control variate, as Arisaka & Li set it up.

100 points drawn from U[-1, 1]^d, each moved by Adam with rate 1e-2; a convolutional surrogate
trained online on directional differences (arXiv 2405.02952). Two calls per point and step, the
point and one probe, with and without the surrogate; the true gradient is the reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.objectives import OBJECTIVES, Objective
from benchmarks.parts import Parts
from metasolve.gradient import mean, method, probes
from metasolve.gradient.surrogate_training import MatchedSurrogate, MatchingOptions
from metasolve.report.result import Report, Row, spread

Array = NDArray[np.float64]
FUNCTIONS = ("sphere", "rosenbrock", "separable-rosenbrock", "rastrigin")
DIMENSIONS = (2, 8, 32, 128)
SAMPLES = 100
TRUE, PLAIN, SURROGATE = "true gradient", "forward gradient", "control variate"
_RATE, _STEP = 1e-2, 1e-8
_OPTIONS = MatchingOptions(learning_rate=5e-3)


class Chain(torch.nn.Module):
    """Sum of shared functions of three neighbours, (n, d) -> (n,): a one-layer convolution.

    It knows that unknowns form a chain, in which even and odd places may differ, and no more.

    Parameters
    ----------
    channels : filters, each a hyperbolic tangent of a linear function of three neighbours.
    seed : of their initial weights.
    """

    def __init__(self, channels: int = 24, seed: int = 0) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(seed)
        # Wide enough for tanh to bend within [-1, 1]; flat at first, so that ρ starts at 1.
        self.filters = torch.nn.Parameter(3.0 * torch.randn(3, channels, generator=draw))
        self.bias = torch.nn.Parameter(2.0 * torch.randn(channels, generator=draw))
        self.weights = torch.nn.Parameter(torch.zeros(2, channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Values (n,) at x (n, d), d even."""
        n = len(x)
        neighbours = torch.nn.functional.pad(x, (1, 1)).unfold(1, 3, 1).reshape(-1, 3)
        # tanh(a) as 2 sigmoid(2a) - 1: six times as fast in torch.
        hidden = 2.0 * torch.sigmoid(2.0 * torch.addmm(self.bias, neighbours, self.filters)) - 1.0
        return (hidden.view(n, -1, *self.weights.shape).sum(dim=1) * self.weights).sum(dim=(1, 2))


@dataclass
class Adam:
    """Adam on an array, with the usual constants (Kingma & Ba, arXiv 1412.6980)."""

    rate: float = _RATE
    first: Array | float = 0.0
    second: Array | float = 0.0
    taken: int = 0

    def move(self, gradient: Array) -> Array:
        """What to add to the array."""
        self.taken += 1
        self.first = 0.9 * self.first + 0.1 * gradient
        self.second = 0.999 * self.second + 0.001 * gradient**2
        size = np.sqrt(self.second / (1.0 - 0.999**self.taken)) + 1e-8
        step: Array = -self.rate * self.first / (1.0 - 0.9**self.taken) / size
        return step


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes
    ----------
    final : mean of the function over the points, at the end.
    history : the same, at twenty moments from start to end.
    rho : of the surrogate at the end.
    """

    final: float
    history: list[float]
    rho: float | None


def minimise(objective: Objective, d: int, kind: str, steps: int, seed: int) -> Run:
    """Minimise from the points of one seed."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.0, 1.0, (SAMPLES, d))
    surrogate = MatchedSurrogate(Chain(seed=seed), _OPTIONS, seed) if kind == SURROGATE else None
    adam, history = Adam(), []
    for taken in range(steps):
        if taken % max(steps // 20, 1) == 0:
            history.append(float(objective.value(x).mean()))
        if kind == TRUE:
            gradient = objective.gradient(x)
        else:
            V = np.where(rng.random((SAMPLES, d, 1)) < 0.5, -1.0, 1.0)
            gradient = _estimate(objective, x, V, surrogate)
        x = x + adam.move(gradient)
    final = float(objective.value(x).mean())
    return Run(final, [*history, final], surrogate.rho if surrogate else None)


def _estimate(
    objective: Objective, x: Array, V: Array, surrogate: MatchedSurrogate | None
) -> Array:
    asked = probes(x, V, _STEP)
    costs = objective.value(asked.points)
    d = asked.differences(costs)
    if surrogate is None:
        return mean(V, d)
    believed = surrogate.gradient(x)
    trusted = believed if surrogate.helps else None
    gradient = method("mean").gradient(V, d, trusted)
    surrogate.observe(x, V, d, costs[:, 0], believed)
    return gradient


def measure(
    seeds: Sequence[int],
    dimensions: Sequence[int],
    steps: int,
    report: Report,
    out: Path | None = None,
) -> tuple[list[Row], dict[str, list[list[float]]]]:
    """Final values by function, dimension and gradient; and histories of the largest dimension.

    Parameters
    ----------
    out
        Keeps finished runs; see `Parts`.

    Returns
    -------
    rows
        With spread over seeds.
    histories
        Keyed by "function / gradient": one list per seed.
    """
    cases = [
        (d, f, kind) for d in dimensions for f in FUNCTIONS for kind in (TRUE, PLAIN, SURROGATE)
    ]
    runs = _runs(cases, seeds, steps, report, out)
    rows: list[Row] = []
    histories: dict[str, list[list[float]]] = {}
    for d, name, kind in cases:
        found = [runs[d, name, kind, seed] for seed in seeds]
        calls = steps * SAMPLES * (1 if kind == TRUE else 2)
        row = {"function": name, "d": d, "gradient": kind, "calls": calls}
        known = [run.rho for run in found if run.rho is not None]  # of surrogates
        rho = float(np.mean(known)) if known else None
        rows.append({**row, **spread([run.final for run in found]), "rho": rho})
        if d == max(dimensions):
            histories[f"{name} / {kind}"] = [run.history for run in found]
    return rows, histories


def _runs(
    cases: Sequence[tuple[int, str, str]],
    seeds: Sequence[int],
    steps: int,
    report: Report,
    out: Path | None,
) -> dict[tuple[int, str, str, int], Run]:
    turns = [(*case, seed) for case in sorted(cases, key=_work) for seed in seeds]
    measures = {
        f"{f}-{d}-{kind}-{seed}".replace(" ", "-"): partial(_part, f, d, kind, steps, seed)
        for d, f, kind, seed in turns
    }
    parts = Parts(out, {"adam_steps": steps})
    found = parts.side_by_side("control variates", measures, report)
    return {turn: Run(**part) for turn, part in zip(turns, found.values(), strict=True)}


def _work(case: tuple[int, str, str]) -> tuple[bool, int]:
    """Sorts the longest runs first."""
    d, _, kind = case
    return kind != SURROGATE, -d


def _part(name: str, d: int, kind: str, steps: int, seed: int) -> dict[str, Any]:
    torch.set_num_threads(1)  # more only get in each other's way at this size
    return asdict(minimise(OBJECTIVES[name], d, kind, steps, seed))
