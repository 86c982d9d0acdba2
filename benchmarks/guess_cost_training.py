"""Training a predicted guess on the real cost: forward-perturbation gradients in its coordinates.

The cost of starting at z can only be measured by solving. It is differenced along a few tangents in
the codec's coordinates, in units of the guess's present error; the gradient of the log residual,
which is known without solving, is the control variate (`metasolve.gradient`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from benchmarks.guess_training import Best, Residuals, Trainee, gentle_rate
from metasolve.gradient import method, optimal_weight, probes, slopes

Array = NDArray[np.float64]
_LEAST_UNIT = 1e-6  # of the largest, so that what is exact does not divide by nothing
Cost = Callable[[int, Array], float]
"""Instance (its row) and coordinates to what a solve from there costs."""


@dataclass(frozen=True)
class CostTraining:
    """How the last stage of training is run.

    Attributes
    ----------
    calls : solver calls it may spend.
    estimator : a name of `metasolve.gradient.METHODS`.
    tangents : per instance and step.
    batch : instances per step.
    step : of the differences, in units of the present error of each coordinate.
    share : of the present relative error, by which a step moves the guess at most.
    control_variate : whether the residual's gradient corrects the estimate.
    memory : steps from whose differences its weight is estimated.
    look_every : steps between looks at the cost of held-out instances; they are calls, too.
    """

    calls: int
    estimator: str = "projected"
    tangents: int = 2
    batch: int = 16
    step: float = 0.5
    share: float = 0.5
    control_variate: bool = True
    memory: int = 20
    look_every: int = 20


def fit_cost(
    trainee: Trainee,
    features: ArrayLike,
    residuals: Residuals,
    solutions: ArrayLike,
    cost: Cost,
    options: CostTraining,
    scale: ArrayLike = 1.0,
    seed: int = 0,
) -> int:
    """Minimise the mean cost over training instances.

    Parameters
    ----------
    features
        (instances, features); what the network sees.
    residuals
        Of the same instances; the surrogate.
    solutions
        Coordinates (instances, modes) of the solutions, for the units.
    scale
        Factor on what the network predicts for each, see `fit_residuals`.

    Returns
    -------
    int
        Solver calls spent.
    """
    features, target = np.asarray(features, dtype=np.float64), np.asarray(solutions)
    factor = np.broadcast_to(np.asarray(scale, dtype=np.float64), len(features))
    rows = np.arange(len(features))
    learned, held = rows[rows % 5 != 0], rows[rows % 5 == 0][: options.batch]
    measured = _Measured(cost)

    def predicted(chosen: NDArray[np.int64]) -> torch.Tensor:
        size = torch.as_tensor(factor[chosen, None].copy())
        start: torch.Tensor = trainee(features[chosen]) * size
        return start

    def look() -> float:
        return float(np.mean(measured(held, predicted(held).detach().numpy()[:, None])))

    rate = gentle_rate(trainee, _relative(predicted(rows), target), options.share)
    optimiser, best = torch.optim.Adam(trainee.parameters(), lr=rate), Best(trainee)
    past: deque[tuple[Array, Array]] = deque(maxlen=options.memory)
    rng, step, batch = np.random.default_rng(seed), 0, min(options.batch, len(learned))
    needed = batch * method(options.estimator).calls(options.tangents, target.shape[1])
    while measured.calls + needed + 2 * len(held) <= options.calls:
        if step % options.look_every == 0:
            best.offer(look())
        chosen = rng.choice(learned, batch, replace=False)
        z = predicted(chosen)
        now = z.detach().numpy()
        unit = _unit(now - target[chosen])
        surrogate = residuals.log_gradient(now, chosen) * unit
        gradient = _gradient(
            measured, chosen, now / unit, unit, surrogate, (seed, step), options, past
        )
        optimiser.zero_grad()
        torch.autograd.backward((z * torch.as_tensor(gradient / unit)).sum(dim=-1).mean())
        optimiser.step()
        step += 1
    best.offer(look())
    best.restore()
    return measured.calls


class _Measured:
    """Costs of many instances, and how many were asked for."""

    def __init__(self, cost: Cost) -> None:
        self._cost, self.calls = cost, 0

    def __call__(self, rows: NDArray[np.int64], points: Array) -> Array:
        """Costs (instances, points) at coordinates (instances, points, modes)."""
        self.calls += points.shape[0] * points.shape[1]
        return np.array(
            [
                [self._cost(int(row), z) for z in each]
                for row, each in zip(rows, points, strict=True)
            ]
        )


def _gradient(
    measured: _Measured,
    rows: NDArray[np.int64],
    base: Array,
    unit: Array,
    surrogate: Array,
    key: tuple[int, int],
    options: CostTraining,
    past: deque[tuple[Array, Array]],
) -> Array:
    """Gradient (instances, modes) of the cost in units of the present error."""
    estimator, active = method(options.estimator), np.ones(base.shape[1], dtype=bool)
    V = np.stack(
        [
            estimator.tangents("rademacher", (*key, int(row)), options.tangents, active)
            for row in rows
        ]
    )
    asked = probes(base, V, options.step, estimator.scheme)
    d = asked.differences(measured(rows, asked.points * unit))
    if not options.control_variate:
        return estimator.gradient(V, d)
    weighted = _weight(past) * surrogate
    past.append((d, slopes(V, surrogate)))
    return estimator.gradient(V, d, weighted)


def _unit(error: Array) -> Array:
    """Root mean square of the error of each coordinate; positive even where there is none."""
    size = np.sqrt(np.mean(error**2, axis=0))
    unit: Array = np.maximum(size, _LEAST_UNIT * (float(size.max()) or 1.0))
    return unit


def _relative(z: torch.Tensor, target: Array) -> float:
    """Norm of the error of all predictions over that of the solutions."""
    error = float(np.linalg.norm(z.detach().numpy() - target))
    return error / max(float(np.linalg.norm(target)), 1e-300)


def _weight(past: deque[tuple[Array, Array]]) -> float:
    """Weight on the surrogate's gradient, from the differences of earlier steps."""
    if not past:
        return 0.0
    d, predicted = (np.concatenate([each[i].ravel() for each in past]) for i in (0, 1))
    return optimal_weight(d, predicted)
