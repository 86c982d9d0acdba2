"""Phase 2: forward-perturbation steps. Measure around what the policy does, correct, move.

Per instance one arm is drawn from the policy. Its numbers are perturbed along k tangents, which
corrects the surrogate's gradient in these directions (projection with control variate); the cost
of the arm itself corrects the surrogate's opinion of the arm (score function with the surrogate as
baseline).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.gradient import clip_differences, generator, mean, projected, tangents
from metasolve.model.surrogate import as_tensor, squash
from metasolve.setting import Integer
from metasolve.solver import Value
from metasolve.space import Space
from metasolve.train.config import TrainConfig
from metasolve.train.dataset import Dataset
from metasolve.train.evaluator import Evaluation, Evaluator
from metasolve.train.policy import Correction, PolicyTrainer

Array = NDArray[np.float64]
EXPLORATION = 0.15  # share of arms drawn evenly from those in play instead of from the policy
_LARGEST_DIFFERENCE = 2.0  # cost; a jump beyond says "failed", not how steep it is


@dataclass(frozen=True)
class Probe:
    """One instance's part of a step: a base point and its perturbations.

    Attributes
    ----------
    instance, arm : which instance, which arm was drawn.
    weight : probability of the arm under the policy over that with which it was drawn.
    settings : base first, then one per tangent.
    encoded : (1 + k, dim), the settings as the surrogate sees them.
    moves : (dim, k), in units of the step sizes, what really changed: after clamping to the box
        and rounding of integers.
    """

    instance: int
    arm: int
    weight: float
    settings: list[dict[str, Value]]
    encoded: Array
    moves: Array


def survivors(
    probe: Probe, evaluations: Sequence[Evaluation]
) -> tuple[Probe, list[Evaluation]] | None:
    """What remains of a probe whose evaluations were lost in part; None where nothing does.

    Estimators average over the tangents they are given. Those that remain are a random choice of
    all when the loss does not depend on the value, so the mean over them has the same expectation.
    A crash teaches something only through the dataset, where it is a failure.
    """
    base, *moved = evaluations
    kept = [column for column, each in enumerate(moved) if not each.outcome.lost]
    if base.outcome.lost or (moved and not kept):
        return None
    rows = [0, *(column + 1 for column in kept)]
    left = replace(
        probe,
        settings=[probe.settings[row] for row in rows],
        encoded=probe.encoded[rows],
        moves=probe.moves[:, kept],
    )
    return left, [evaluations[row] for row in rows]


def step_sizes(space: Space, epsilon: float) -> Array:
    """Perturbation of each coordinate, (dim,): epsilon, but whole steps for integers."""
    sizes = np.full(space.dim, epsilon)
    for setting in space.settings:
        if isinstance(setting, Integer):
            unit = 2.0 / (setting.high - setting.low)
            sizes[space.offset(setting.name)] = max(epsilon, unit)
    return sizes


def epsilon_for(noise: float) -> float:
    """Step size from the noise of the cost (its standard deviation).

    A difference must rise above the noise of the two costs it is made of: with slopes of about
    one half in log cost per coordinate, four times the noise does. Staircases set the least.
    """
    return float(np.clip(4.0 * noise, 0.15, 0.4))


class Perturber:
    """Takes perturbation steps.

    Parameters
    ----------
    config, policy, dataset, evaluator : options, what moves, what is known, what measures.
    """

    def __init__(
        self,
        config: TrainConfig,
        policy: PolicyTrainer,
        dataset: Dataset,
        evaluator: Evaluator,
    ) -> None:
        self.config, self.policy, self.dataset = config, policy, dataset
        self.evaluator, self.noise = evaluator, policy.surrogate.noise
        self.epsilon = config.epsilon or epsilon_for(self.noise)
        self.sizes = step_sizes(policy.arms.space, self.epsilon)
        self.estimate = projected if config.estimator == "projected" else mean

    def step(self, number: int, instances: Sequence[int]) -> dict[str, float]:
        """One step on a minibatch; returns diagnostics, of which `lost` evaluations are one."""
        probes = [self._probe(number, index) for index in instances]
        asked = [(probe.instance, each) for probe in probes for each in probe.settings]
        results = self.evaluator.measure(asked, "perturbation")
        whole, rest = [], results
        for probe in probes:
            mine, rest = rest[: len(probe.settings)], rest[len(probe.settings) :]
            if len(mine) == len(probe.settings):  # else the budget ended here
                whole.append((probe, mine))
        measured = [each for each in (survivors(*pair) for pair in whole) if each is not None]
        diagnostics = {"lost": sum(each.outcome.lost for each in results)}
        if measured:
            diagnostics |= self._move(measured)
        self.dataset.add(results)  # what was lost too: as failures, to be avoided
        self._learn(number)
        return diagnostics

    def _move(self, measured: Sequence[tuple[Probe, list[Evaluation]]]) -> dict[str, float]:
        correction, diagnostics = self._correction(measured)
        expected = self.policy.steps(
            4, learning_rate=(2e-3, 2e-3), temperature=(0.02, 0.02), correction=correction
        )
        costs = [base.cost for _, (base, *_) in measured]
        return {"cost": float(np.mean(costs)), "expected": expected, **diagnostics}

    def _learn(self, number: int) -> None:
        surrogate, matches = self.policy.surrogate, self.dataset.matches()
        if number % 5 == 4:
            surrogate.fit(matches, steps=15)
        else:
            surrogate.condition(matches)

    def _probe(self, number: int, index: int) -> Probe:
        arms, key = self.policy.arms, (self.config.seed, number, index)
        z = self.coordinates(index)
        arm, weight = self._draw(z, key)
        active = arms.mask[arm] > 0
        k = min(self.config.tangents, int(active.sum()))
        V = tangents(self.config.tangent_kind, key, k, active)
        base = np.clip(z, -1.0, 1.0)
        settings = [arms.settings(arm, base)]
        for v in V.T:
            move = self.sizes * v
            forth, back = np.clip(base + move, -1, 1), np.clip(base - move, -1, 1)
            # A probe that leaves the box measures nothing: take the side with more room.
            further = np.abs(forth - base).sum() >= np.abs(back - base).sum()
            settings.append(arms.settings(arm, forth if further else back))
        encoded = np.array([arms.space.encode(each) for each in settings])
        moves = ((encoded[1:] - encoded[0]) / self.sizes).T * active[:, None]
        return Probe(index, arm, weight, settings, encoded, moves)

    def coordinates(self, index: int) -> Array:
        """What the policy predicts for an instance, (dim,)."""
        with torch.no_grad():
            z = self.policy.model(self.policy.inputs[index : index + 1])
        return z[0].numpy().astype(float)

    def _draw(self, z: Array, key: tuple[int, int, int]) -> tuple[int, float]:
        kept = self.policy.kept
        with torch.no_grad():
            pi = self.policy.arms.log_probability(as_tensor(z[None]))[0, kept].exp().numpy()
        pi = pi.astype(float) / max(float(pi.sum()), 1e-12)
        q = (1.0 - EXPLORATION) * pi + EXPLORATION / len(kept)
        drawn = int(np.searchsorted(np.cumsum(q), generator(key).uniform() * q.sum()))
        drawn = min(drawn, len(kept) - 1)
        return int(kept[drawn]), float(pi[drawn] / q[drawn])

    def _correction(
        self, measured: Sequence[tuple[Probe, list[Evaluation]]]
    ) -> tuple[Correction, dict[str, float]]:
        rows, advantages, wrong, total = [], [], 0.0, 0.0
        for probe, evaluations in measured:
            costs = squash(as_tensor([each.cost for each in evaluations])).numpy().astype(float)
            believed = self._believed(probe)
            d = clip_differences(costs[1:] - costs[0], _LARGEST_DIFFERENCE)
            d_hat = believed[1:] - believed[0]
            rows.append(probe.weight * self._numbers(probe, d, d_hat))
            advantages.append(probe.weight * (costs[0] - believed[0]))
            wrong, total = wrong + float(np.sum((d - d_hat) ** 2)), total + float(np.sum(d**2))
        index = [probe.instance for probe, _ in measured]
        correction = Correction(
            x=self.policy.inputs[index],
            z=as_tensor(np.array(rows)),
            arm=torch.as_tensor([probe.arm for probe, _ in measured]),
            advantage=as_tensor(np.clip(advantages, -2.0, 2.0)),
        )
        diagnostics = {
            # ρ = ‖∇f − ∇f̂‖ / ‖∇f‖ along the probes: the control variate helps while it is below 1
            "rho": (wrong / total) ** 0.5 if total > 0 else 0.0,
            "bias": float(np.mean(advantages)),
        }
        return correction, diagnostics

    def _numbers(self, probe: Probe, d: Array, d_hat: Array) -> Array:
        """What to add to the surrogate's gradient on the numeric coordinates, (dim,)."""
        if not self.config.control_variate:
            x = self.dataset.inputs[probe.instance][None]
            believed = self.policy.surrogate.gradient(x, probe.encoded[:1])[0]
            measured = self.estimate(probe.moves, d) / self.sizes
            return np.where(self.policy.arms.mask[probe.arm] > 0, measured - believed, 0.0)
        # The same finite difference is taken of the surrogate, so its curvature cancels too.
        error = d - d_hat
        power = float(np.sum(error**2))
        expected = 2.0 * self.noise**2 * len(error)
        trust = max(0.0, 1.0 - expected / power) if power > 0 else 0.0  # positive-part shrinkage
        return self.estimate(probe.moves, trust * error) / self.sizes

    def _believed(self, probe: Probe) -> Array:
        x = np.repeat(self.dataset.inputs[probe.instance][None], len(probe.encoded), axis=0)
        taken = self.policy.surrogate.predict(x, probe.encoded, probe.instance)
        return taken - self.dataset.difficulty[probe.instance]
