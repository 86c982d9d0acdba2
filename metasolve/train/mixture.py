"""`Mixture`: what Frank-Wolfe moves: how often each arm is drawn, and each arm's numbers.

One mixture for all systems. With p in the simplex and the numbers z_a of each arm in their box,

    F(p, z) = Σ_a p_a C_a(z_a),   C_a the mean cost of arm a over the instances,

is minimised over a convex set. In p it is linear, so that a single arm is as good as any mixture;
in z it is not convex, and what is found is a point from which no step is known to be better. By
∂F/∂p_a = C_a and ∂F/∂z_a = p_a ∇C_a the factor p_a > 0 changes no corner of a box: ∇C_a is used.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.model.matches import as_tensor
from metasolve.model.surrogate import Surrogate
from metasolve.optim import Box, Domain, FrankWolfe, Product, Simplex
from metasolve.solve.solver import Value
from metasolve.train.arms import Arms
from metasolve.train.inputs import Inputs
from metasolve.train.learner import Correction
from metasolve.train.risk import Objective

Array = NDArray[np.float64]
_WORTH = 10  # steps that the start is worth: the surrogate chose its numbers from 48 draws
_MINIBATCH = 24  # instances on which the surrogate is asked, per step
_LAST_STEPS = 300
_LARGEST_EXCESS = 2.0


class Mixture:
    """Averaged Frank-Wolfe on a mixture of arms, by what the surrogate says and measurements add.

    Parameters
    ----------
    surrogate, arms : what is believed, what can be chosen.
    inputs, train : standardised features; indices of the instances to be good at.
    kept : the arms in play. All must fit every instance.
    objective : what is minimised, by what the surrogate believes.
    start : (arms, dim), numbers to start from.
    """

    def __init__(
        self,
        surrogate: Surrogate,
        arms: Arms,
        inputs: Inputs,
        train: Sequence[int],
        kept: Sequence[int],
        objective: Objective,
        start: Array,
        seed: int,
    ) -> None:
        self.surrogate, self.arms, self.objective = surrogate, arms, objective
        self.inputs, self._symmetric = as_tensor(inputs.table), inputs.symmetric
        self.kept, self._train = torch.as_tensor(kept), np.array(train)
        self._active = arms.mask[kept] > 0
        self._chooses = len(kept) > 1
        count = int(self._active.sum())
        shares: list[Domain] = [Simplex(len(kept))] if self._chooses else []
        numbers: list[Domain] = [Box(-np.ones(count), np.ones(count))] if count else []
        domain = Product([*shares, *numbers])
        point = domain.centre.copy()
        point[len(point) - count :] = np.clip(start[kept][self._active], -1.0, 1.0)
        self._optimiser = FrankWolfe(domain, point, taken=_WORTH)
        self._usual = arms.usual[kept]
        self._rng = np.random.default_rng([seed, 6])

    @property
    def shares(self) -> Array:
        """How often each arm in play is drawn, (kept,)."""
        return self._optimiser.x[: len(self.kept)] if self._chooses else np.ones(1)

    @property
    def table(self) -> Array:
        """Coordinates of each arm in play, (kept, dim)."""
        table = self._usual.copy()
        table[self._active] = self._optimiser.x[len(self.kept) if self._chooses else 0 :]
        return table

    def settings(self) -> dict[str, Value]:
        """The arm that is drawn most often, with its numbers."""
        best = int(np.argmax(self.shares))
        return self.arms.settings(int(self.kept[best]), self.table[best])

    def steps(self, count: int, correction: Correction | None = None) -> float:
        """Take Frank-Wolfe steps; returns the last expected cost."""
        self.surrogate.requires_grad_(False)
        value = 0.0
        for _ in range(count):
            costs, slopes = self._believed()
            if correction is not None:
                self._add(correction, costs, slopes)
            value = float(self.shares @ costs)
            parts = [costs if self._chooses else costs[:0], slopes[self._active]]
            self._optimiser.advance(np.concatenate(parts))
        self.surrogate.requires_grad_(True)
        return value

    def correct(self, correction: Correction) -> float:
        """One step, with what was measured: averages go over steps."""
        return self.steps(1, correction)

    def finish(self) -> None:
        """More steps, as short as those before them let them be."""
        self.steps(_LAST_STEPS)

    def symmetric(self, x: torch.Tensor) -> torch.Tensor:
        """Where (n,) an operator with features x (n, features) would be symmetric."""
        return torch.as_tensor(self._symmetric(x.numpy()))

    def chances(self, index: int) -> Array:  # noqa: ARG002
        """The shares: the same for every instance."""
        return self.shares

    def numbers(self, index: int, arm: int) -> Array:  # noqa: ARG002
        """Coordinates (dim,) of an arm: the same for every instance."""
        numbers: Array = self.table[self.kept.tolist().index(arm)]
        return numbers

    def _believed(self) -> tuple[Array, Array]:
        """C_a (kept,) and ∇C_a (kept, dim) by the surrogate, on some instances."""
        some = self._rng.choice(self._train, min(_MINIBATCH, len(self._train)), replace=False)
        x, numbers = self.inputs[some], as_tensor(self.table).requires_grad_()
        encoded = self.arms.onehot_t[self.kept] + self.arms.mask_t[self.kept] * numbers
        costs = self.objective(x, encoded.expand(len(x), -1, -1)).mean(dim=0)
        (slopes,) = torch.autograd.grad(costs.sum(), numbers)
        return costs.detach().numpy().astype(float), slopes.numpy().astype(float)

    def _add(self, correction: Correction, costs: Array, slopes: Array) -> None:
        """Add what the surrogate got wrong: each measurement over the probability of its arm."""
        place = np.array([self.kept.tolist().index(arm) for arm in correction.arm])
        weight = 1.0 / (correction.drawn * len(place))
        excess = np.clip(correction.excess, -_LARGEST_EXCESS, _LARGEST_EXCESS)
        np.add.at(costs, place, weight * excess)
        np.add.at(slopes, place, weight[:, None] * correction.slope)
