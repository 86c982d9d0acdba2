"""Benchmark ``fixed-point``: sign-SPSA on a small network with 16- and 8-bit weights.

The network computes in whole numbers: weights of the format under test, activations of 8 bits,
sums of 32 (Stepping Forward on the Last Mile, arXiv 2411.04036). It learns a smooth function of
two variables from nothing but the sign of one cost difference per step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metasolve.optim import FixedPointFormat, SignSPSA
from metasolve.optim import replay as replayed
from metasolve.report.result import Report, Result, Section, panels, save, silent, spread

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
_INT16, _INT8 = FixedPointFormat(16, 12), FixedPointFormat(8, 4)
_RATE, _REACH = 2.0**-6, 2.0**-4  # of weights in real units
VARIANTS = {
    "int16": (_INT16, _RATE),
    "int8, same rate": (_INT8, _RATE),
    "int8, one unit a step": (_INT8, 2.0**-_INT8.fraction),
}
_COLOURS = dict(zip(VARIANTS, ("#4477aa", "#ee6677", "#ccbb44"), strict=True))
_HIDDEN, _ACTIVATION = 16, FixedPointFormat(8, 6)
_GRID = np.stack(np.meshgrid(*[np.linspace(-1, 1, 9)] * 2), axis=-1).reshape(-1, 2)
_TARGET = 0.8 * np.sin(2.0 * _GRID[:, 0]) * np.cos(1.5 * _GRID[:, 1])


@dataclass(frozen=True)
class Training:
    """One training: costs by step, and whether replaying its journal gave the same weights."""

    costs: list[float]
    replays: bool
    still: float
    roll_backs: int


@dataclass(frozen=True)
class FixedPoint:
    """The benchmark's outcome and what its figure needs besides."""

    result: Result
    trainings: dict[str, list[Training]]

    def plot(self, path: Path) -> None:
        """Cost by step of every seed."""
        figure, (axis,) = panels(1)
        for name, trainings in self.trainings.items():
            for seed, training in enumerate(trainings):
                label = name if seed == 0 else None
                axis.plot(training.costs, color=_COLOURS[name], label=label, lw=0.9)
        axis.set(yscale="log", xlabel="hundreds of steps", ylabel="mean squared error")
        axis.set_title("sign-SPSA, 8-bit activations", fontsize=10)
        axis.legend(fontsize=8)
        save(figure, path)


def run(seeds: Sequence[int], *, paper: bool = False, report: Report = silent) -> FixedPoint:
    """Train with both formats, 8 bits also with the smallest step that does not round to zero.

    Parameters
    ----------
    seeds
        Of initial weights and probes.
    paper
        50,000 steps instead of 5,000.
    """
    steps = 50_000 if paper else 5_000
    trainings, rows = {}, []
    for done, (name, (form, rate)) in enumerate(VARIANTS.items()):
        report("fixed-point", done, len(VARIANTS))
        runs = [train(form, rate, steps, seed) for seed in seeds]
        trainings[name] = runs
        row = {"weights": name, "steps": steps, "start": float(np.mean([r.costs[0] for r in runs]))}
        row |= {f"final {key}": value for key, value in spread([r.costs[-1] for r in runs]).items()}
        row["steps that rounded to zero"] = float(np.mean([r.still for r in runs]))
        row["roll-backs"] = sum(r.roll_backs for r in runs)
        rows.append({**row, "replays bit for bit": all(r.replays for r in runs)})
    settings = {
        "seeds": list(seeds),
        "paper": paper,
        "variance of the target": float(_TARGET.var()),
    }
    title = "Sign-SPSA on whole-number weights: mean squared error"
    return FixedPoint(Result("fixed-point", settings, (Section(title, rows),)), trainings)


def optimiser(form: FixedPointFormat, rate: float, steps: int, seed: int) -> SignSPSA:
    """The optimiser of one training, at its start."""
    rng = np.random.default_rng(seed)
    size = np.concatenate([np.full(3 * _HIDDEN, 0.8), np.full(_HIDDEN + 1, 0.3)])
    unit = 2.0**form.fraction
    return SignSPSA(
        form.quantise(size * rng.standard_normal(size.size)),
        form,
        learning_rate=_as_fraction(rate * unit),
        reach=max(1, round(_REACH * unit)),
        halve_every=steps // 6 if rate * unit > 1.0 else 0,  # half a unit is no step
        check_every=100,
        tolerance=0.25,
        seed=seed,
    )


def train(form: FixedPointFormat, rate: float, steps: int, seed: int) -> Training:
    """Train once."""
    learner, costs, still = optimiser(form, rate, steps, seed), [], 0
    for step in range(steps):
        if step % 100 == 0:
            costs.append(float(cost(form, learner.weights[None])[0]))
        before = learner.weights
        learner.tell(cost(form, learner.ask()))
        still += bool(np.array_equal(before, learner.weights))
    costs.append(float(cost(form, learner.weights[None])[0]))
    again = replayed(optimiser(form, rate, steps, seed), learner.journal)
    back = sum(entry.rolled_back for entry in learner.journal)
    return Training(costs, bool(np.array_equal(again, learner.weights)), still / steps, back)


def cost(form: FixedPointFormat, weights: Integers) -> Array:
    """Mean squared errors (m,) of networks with whole-number weights (m, 65), on 81 points."""
    inner, outer = weights[:, : 3 * _HIDDEN].reshape(-1, 3, _HIDDEN), weights[:, 3 * _HIDDEN :]
    inputs = _ACTIVATION.quantise(np.column_stack([_GRID, np.ones(len(_GRID))]))
    hidden = _activation(inputs @ inner, form)
    summed = (hidden @ outer[:, :-1, None])[..., 0] + (outer[:, -1:] << _ACTIVATION.fraction)
    output = summed / 2.0 ** (form.fraction + _ACTIVATION.fraction)
    cost: Array = np.mean((output - _TARGET) ** 2, axis=-1)
    return cost


def _activation(summed: Integers, form: FixedPointFormat) -> Integers:
    """Rectified and brought back to 8 bits, the sum having the fractions of both factors."""
    return np.clip(summed >> form.fraction, 0, _ACTIVATION.largest)


def _as_fraction(rate: float) -> tuple[int, int]:
    """A power of two as (numerator, bits)."""
    bits = max(0, round(-np.log2(rate)))
    return round(rate * 2**bits), bits
