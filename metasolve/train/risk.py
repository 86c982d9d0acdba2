"""How a cost is felt, and what settings are thought to cost before they are measured.

An `Objective` maps standardised features (n, features) and encoded settings (n, arms, dim) to
something to minimise, (n, arms), differentiable in the settings.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.model.squash import squash
from metasolve.model.surrogate import Foresight, Surrogate
from metasolve.train.difficulty import Difficulty

Array = NDArray[np.float64]
Tensor = torch.Tensor
Objective = Callable[[Tensor, Tensor], Tensor]
MATERIAL = math.log(1.1)  # a slow-down that a user would notice
CHANCE = 0.05  # of such a slow-down that is accepted where a gain is uncertain
_CAREFUL = 50.0  # how often a slow-down counts to the careful: rather slow than a failure
_NEWTON = 60  # steps


@dataclass(frozen=True)
class Risk:
    """How costs above the host's are felt.

    Attributes
    ----------
    aversion : how often a slow-down beyond 1.1 counts besides itself; 0: as any other cost.
    usual : what the host takes in the middle of the workload. Where it takes less, a slow-down
        counts in proportion: nobody notices microseconds between seconds.
    """

    aversion: float
    usual: float

    def counts(self, taken: Array) -> Array:
        """How often a slow-down counts where the host takes so much, (n,)."""
        return self.aversion * np.minimum(1.0, taken / self.usual)

    def loss(self, cost: Array, taken: Array) -> Array:
        """What costs (n,) are felt as where the host takes so much, (n,)."""
        felt: Array = cost + self.counts(taken) * np.maximum(cost - MATERIAL, 0.0)
        return felt

    def even(self, spread: Array, taken: Array) -> Array:
        """Mean (n,), at most 0, of a normal cost that is worth taking if its mean is below.

        The root of `expected_loss` in μ, which rises and is convex: Newton's method from above.
        """
        doubt, counts = torch.as_tensor(spread), torch.as_tensor(self.counts(taken))
        mean = torch.zeros_like(doubt)
        for _ in range(_NEWTON):
            slope = 1.0 + counts * torch.special.ndtr((mean - MATERIAL) / doubt)
            mean = mean - expected_loss(mean, doubt, counts) / slope
        return mean.numpy()


def expected_loss(mean: Tensor, spread: Tensor, counts: float | Tensor = _CAREFUL) -> Tensor:
    """Expectation of what a normal cost (n,) is felt as, in closed form.

    E max(c - m, 0) = (μ - m) Φ(u) + σ φ(u) with u = (μ - m)/σ, the expected improvement of
    Bayesian optimisation with the other sign (Jones, Schonlau & Welch 1998, equation 15).
    """
    above = mean - MATERIAL
    u = above / spread
    density = torch.exp(-0.5 * u.square()) / math.sqrt(2.0 * math.pi)
    felt: Tensor = mean + counts * (above * torch.special.ndtr(u) + spread * density)
    return felt


def pessimistic(surrogate: Surrogate, deviations: float) -> Objective:
    """What settings take, some standard deviations above the mean: good on average."""

    def objective(x: Tensor, s: Tensor) -> Tensor:
        rows = s.reshape(-1, s.shape[2])
        if not deviations:
            return surrogate.mean(x, rows).view(s.shape[:2])
        cost, spread = surrogate.mean_and_spread(x, rows)
        return (cost + deviations * spread).view(s.shape[:2])

    return objective


def believing(foreseen: Foresight) -> Objective:
    """What settings are foreseen to take, whatever was measured."""

    def objective(x: Tensor, s: Tensor) -> Tensor:
        return foreseen(x, s.reshape(-1, s.shape[2])).view(s.shape[:2])

    return objective


def careful(surrogate: Surrogate, difficulty: Difficulty) -> Objective:
    """What settings are expected to be felt as where a slow-down counts fifty times.

    Bounded above: where nothing is safe the gate will close, whatever is chosen. Where the host
    fails it counts as if it had answered in the time that it took to fail.
    """

    def objective(x: Tensor, s: Tensor) -> Tensor:
        expected = difficulty.cost(surrogate, x, s.reshape(-1, s.shape[2]))
        return squash(expected_loss(*expected)).view(s.shape[:2])

    return objective
