"""`PolicyTrainer`: moves the meta-model on the surrogate's exact expectation over arms.

No solver calls are made here. Perturbation steps add what they measured as a correction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.model.matches import as_tensor
from metasolve.model.meta_model import MetaModel
from metasolve.model.surrogate import Surrogate
from metasolve.optim.adam import Adam
from metasolve.train.arms import Arms
from metasolve.train.inputs import Inputs
from metasolve.train.learner import Correction
from metasolve.train.risk import Objective

Tensor = torch.Tensor
JITTER = 0.3  # standard deviations by which features are moved
_NEIGHBOURS = 4  # with which an instance is mixed
_LARGEST_ADVANTAGE = 2.0
_LAST_STEPS = 300


class PolicyTrainer:
    """Adam on a meta-model against a surrogate.

    Parameters
    ----------
    model, surrogate, arms : what is moved, what is believed, what can be chosen.
    inputs : standardised features that may be met.
    kept : the arms in play; all others count as bad as the worst of these.
    objective : what is minimised, by what the surrogate believes.
    """

    def __init__(
        self,
        model: MetaModel,
        surrogate: Surrogate,
        arms: Arms,
        inputs: Inputs,
        kept: list[int],
        objective: Objective,
        seed: int,
    ) -> None:
        self.model, self.surrogate, self.arms = model, surrogate, arms
        self.inputs, self.objective = as_tensor(inputs.table), objective
        self._symmetric = inputs.symmetric
        self.near = _nearest(self.inputs, _NEIGHBOURS)
        self.varies = (self.inputs != self.inputs[:1]).any(dim=0).float()
        self.kept = torch.as_tensor(kept)
        self.continuous = torch.as_tensor(arms.space.continuous.copy())
        self.optimiser = Adam(model.parameters(), weight_decay=1e-3)
        self.generator = torch.Generator().manual_seed(seed + 2)

    def steps(
        self,
        count: int,
        learning_rate: tuple[float, float] = (1e-2, 1e-3),
        temperature: tuple[float, float] = (0.3, 0.02),
        correction: Correction | None = None,
    ) -> float:
        """Take Adam steps; rate and temperature fall geometrically from first to second value.

        The temperature weighs the entropy of the choice among arms, so that early steps do not
        settle on one before its numbers are right. Returns the last expected cost.
        """
        self.surrogate.requires_grad_(False)
        value = 0.0
        for step in range(count):
            t = step / max(count - 1, 1)
            rate = learning_rate[0] ** (1 - t) * learning_rate[1] ** t
            heat = temperature[0] ** (1 - t) * temperature[1] ** t
            cost, entropy, outside = self.expectation(self._mixed())
            loss = cost.mean() - heat * entropy.mean() + outside.mean()
            if correction is not None:
                loss = loss + self._corrected(correction)
            self.optimiser.clear()
            torch.autograd.backward(loss)
            self.optimiser.step(rate, longest=5.0)
            value = float(cost.detach().mean())
        self.surrogate.requires_grad_(True)
        return value

    def correct(self, correction: Correction) -> float:
        """Some steps at a small rate, with what was measured."""
        return self.steps(4, (2e-3, 2e-3), (0.02, 0.02), correction)

    def finish(self) -> None:
        """The last steps, at falling rates."""
        self.steps(_LAST_STEPS, learning_rate=(3e-3, 3e-4), temperature=(0.02, 0.005))

    @torch.no_grad()
    def chances(self, index: int) -> NDArray[np.float64]:
        """Probability (kept,) of each arm in play on an instance."""
        x = self.inputs[index : index + 1]
        log_pi = self.arms.log_probability(self.model(x), self.symmetric(x))[0, self.kept]
        return log_pi.exp().numpy().astype(float)

    @torch.no_grad()
    def coordinates(self, index: int) -> NDArray[np.float64]:
        """What the meta-model predicts for an instance, (dim,)."""
        z: NDArray[np.float32] = self.model(self.inputs[index : index + 1])[0].numpy()
        return z.astype(float)

    def numbers(self, index: int, arm: int) -> NDArray[np.float64]:  # noqa: ARG002
        """What the meta-model predicts: the same for every arm."""
        return self.coordinates(index)

    def _corrected(self, correction: Correction) -> Tensor:
        """A scalar whose gradient is the correction's: the score function where arms differ."""
        z = self.model(correction.x)
        log_pi = self.arms.log_probability(z, correction.symmetric)
        picked = log_pi.gather(1, torch.as_tensor(correction.arm).unsqueeze(1)).squeeze(1)
        weight, most = correction.weight, _LARGEST_ADVANTAGE
        advantage = as_tensor(np.clip(weight * correction.excess, -most, most))
        slope = as_tensor(weight[:, None] * correction.slope)
        loss: Tensor = ((slope * z).sum(dim=1) + advantage * picked).mean()
        return loss

    def expectation(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Expected objective, entropy and excess beyond the box, each (n,), at x."""
        z = self.model(x)
        clamped = torch.where(self.continuous, z.clamp(-1.0, 1.0), z)
        numbers = z + (clamped - z).detach()  # at a bound the gradient still says which way is in
        encoded = self.arms.encode(numbers, self.kept)
        believed = self.objective(x, encoded)
        log_pi = self.arms.log_probability(z, self.symmetric(x))[:, self.kept]
        pi = log_pi.exp()
        left_out = (1.0 - pi.sum(dim=1)).clamp(min=0.0)
        worst = believed.detach().max(dim=1).values + 0.5
        cost = (pi * believed).sum(dim=1) + left_out * worst
        outside = (z - clamped).square().sum(dim=1)
        return cost, -(pi * log_pi).sum(dim=1), outside

    def symmetric(self, x: Tensor) -> Tensor:
        """Where (n,) an operator with features x (n, features) would be symmetric."""
        return torch.as_tensor(self._symmetric(x.numpy()))

    def _mixed(self, most: int = 24) -> Tensor:
        """Features to learn on: of instances, of mixtures of two that are alike, and near both.

        The surrogate says what it believes anywhere; asking it between the instances, and with
        each feature moved on its own, keeps the policy from memorising the few it was measured on.
        Halfway between systems of different kinds there is none: mixtures of any two instances
        taught the policy what it never needed, at the expense of what it did.
        """
        count, features = self.inputs.shape
        first = torch.randint(count, (most,), generator=self.generator)
        beside = torch.randint(self.near.shape[1], (most,), generator=self.generator)
        second = self.near[first, beside]
        share = torch.rand(most, 1, generator=self.generator)
        mixed = share * self.inputs[first] + (1.0 - share) * self.inputs[second]
        noise = JITTER * torch.randn(most, features, generator=self.generator)
        pure = (torch.arange(most) % 3 == 0).unsqueeze(1)
        return torch.where(pure, self.inputs[first], mixed + noise * self.varies)


def _nearest(inputs: Tensor, count: int) -> Tensor:
    """Indices (instances, count) of the others nearest to each; of itself where it is alone."""
    distance = torch.cdist(inputs, inputs).fill_diagonal_(torch.inf)
    return distance.argsort(dim=1, stable=True)[:, : max(1, min(count, len(inputs) - 1))]


@dataclass(frozen=True)
class Incumbents:
    """An objective's opinion of constants: best numbers of each arm over all instances.

    Attributes
    ----------
    numbers : (arms, dim) coordinates.
    cost : (arms,) mean of the objective.
    each : (instances, arms) objective of each arm with its best numbers for that instance alone;
        where the operator is not symmetric, of the arm that takes its place.
    """

    numbers: NDArray[np.float64]
    cost: NDArray[np.float64]
    each: NDArray[np.float64]

    def start(self, arms: Arms) -> NDArray[np.float64]:
        """Coordinates to start from: each arm's best numbers, logits leaning to the best arm."""
        space = arms.space
        start = space.to_vector(space.defaults())
        for arm in np.argsort(-self.cost):  # the best arm writes last
            start = np.where(arms.mask[arm] > 0, self.numbers[arm], start)
        chosen = space.to_vector(arms.arms[int(np.argmin(self.cost))])
        return np.where(space.continuous, np.clip(start, -0.9, 0.9), chosen)


@torch.no_grad()
def incumbents(
    objective: Objective,
    arms: Arms,
    inputs: NDArray[np.float64],
    symmetric: NDArray[np.bool_],
    seed: int,
    draws: int = 48,
) -> Incumbents:
    """Best constant of every arm by an objective: defaults, then draws, then finer draws."""
    rng = np.random.default_rng(seed)
    dim, x = arms.space.dim, as_tensor(inputs)
    best = arms.usual
    cost = np.full(arms.count, np.inf)
    each = np.full((len(inputs), arms.count), np.inf)
    for draw in range(draws):
        width = 1.0 if draw < draws // 2 else 0.2
        centre = best if width < 1.0 else np.zeros((arms.count, dim))
        trial = np.clip(centre + width * rng.uniform(-1, 1, (arms.count, dim)), -1, 1)
        if draw == 0:
            trial = np.clip(best, -1.0, 1.0)
        total = objective(x, as_tensor(arms.decided(trial, symmetric))).numpy().astype(float)
        each = np.minimum(each, total)
        better = total.mean(axis=0) < cost
        cost = np.where(better, total.mean(axis=0), cost)
        best = np.where(better[:, None], np.where(arms.mask > 0, trial, best), best)
    return Incumbents(best, cost, each)
