"""How good gradient estimates are, measured on a family: for benchmark ``estimators``.

Trained like any policy until the surrogate's calls are spent; then, at base points, the gradient
itself by central differences along every setting, and every estimator against it, through the
trainer's own `Perturber`. Nothing measured for the comparison is shown to the surrogate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.errors import UsageError
from metasolve.farm import Farm
from metasolve.gradient import method, tangents
from metasolve.gradient.tangents import Kind
from metasolve.model.matches import as_tensor
from metasolve.solve.cost import Cost
from metasolve.train.config import TrainConfig
from metasolve.train.evaluator import Evaluation, Evaluator
from metasolve.train.events import Events
from metasolve.train.perturb import Perturber, Plan
from metasolve.train.policy import PolicyTrainer
from metasolve.train.probe import Draw, Probe
from metasolve.train.task import Task
from metasolve.train.trainer import Trainer

Array = NDArray[np.float64]
POLICY, ANYWHERE = "at the policy", "anywhere"
ALONE = Plan("none", 0, "surrogate", "the surrogate's gradient, without a call")
BATCH = 8  # instances of a gradient with respect to the network's weights
_DRAWS = 4  # of the tangents at a base point
_PARTS = (1 / 3, 2 / 3, 1)  # of the trainer's step: where the true gradient is measured
_PLACE, _TRUTH, _LEARN = 2**41, 2**42, 5  # streams of random numbers
_WIDTH = 0.8  # of the box in which points are drawn


@dataclass(frozen=True)
class Quality:
    """Estimates of one plan against the true gradient, at base points.

    Attributes
    ----------
    calls : solver calls of one estimate.
    cosine : mean cosine with the gradient of an instance's cost with respect to its settings.
    batch : the same of the gradient with respect to the network's weights, of `BATCH` instances.
    error : mean ‖g − ∇c‖² over mean ‖∇c‖².
    variance : mean ‖g − E g‖² over mean ‖∇c‖².
    """

    calls: int
    cosine: float
    batch: float
    error: float
    variance: float


class Workshop:
    """A training that stopped when the surrogate's calls were spent, and what may be measured then.

    Parameters
    ----------
    task, farm : a family without choices: one arm. Collective: yes, on the farm's ranks.
    config : its `calls` are those of the surrogate, everything included.
    """

    def __init__(self, task: Task, farm: Farm, config: TrainConfig) -> None:
        if len(task.space.arms()) > 1:
            raise UsageError("space: has choices, which have no derivative; fix them to one value")
        self.config = config
        trainer = Trainer(task, farm, config)
        self.train, _ = trainer.reference()
        self.policy = trainer.explore(self.train).network()
        self.perturber = Perturber(config, self.policy, trainer.dataset, trainer.evaluator)
        self._learn()
        self.surrogate_calls = trainer.evaluator.calls
        cost = Cost(config.measure, config.cap)
        self.evaluator = Evaluator(farm, task.instances, cost, 10**9, Events(None))
        self.evaluator.host = trainer.evaluator.host

    @property
    def calls(self) -> int:
        """Solver calls made in all."""
        return self.surrogate_calls + self.evaluator.calls

    def _learn(self) -> None:
        """Perturbation steps, instances in turn, until the calls are spent."""
        perturber, rng = self.perturber, np.random.default_rng([self.config.seed, _LEARN])
        batch = self.config.batch or 4
        calls = batch * perturber.plan.calls(self.policy.arms.space.dim)
        queue: list[int] = []
        for number in range(perturber.evaluator.left // calls):
            queue += [int(each) for each in rng.permutation(self.train)]
            perturber.step(number, queue[:batch])
            queue = queue[batch:]

    def points(self, place: str, count: int) -> list[tuple[int, Array]]:
        """Base points (instance, coordinates), the same number for every place."""
        rng = np.random.default_rng([self.config.seed, _PLACE])
        chosen = [int(each) for each in rng.permutation(self.train)[:count]]
        if place == POLICY:
            return [(each, self.policy.coordinates(each)) for each in chosen]
        dim = self.policy.arms.space.dim
        return [(each, rng.uniform(-_WIDTH, _WIDTH, dim)) for each in chosen]

    def truth(self, point: tuple[int, Array]) -> Array:
        """Gradient (dim,): the mean of central differences at three steps along every setting."""
        found = []
        for part in _PARTS:
            config = self.config.model_copy(update={"epsilon": part * self.perturber.epsilon})
            look = Perturber(config, self.policy, self.perturber.dataset, self.evaluator)
            found.append(self._exact(look, point))
        gradient: Array = np.mean(found, axis=0)
        return gradient

    def _exact(self, look: Perturber, point: tuple[int, Array]) -> Array:
        n = len(point[1])
        V = tangents("coordinate", (self.config.seed, _TRUTH, 0), n, np.ones(n, dtype=bool))
        probe = look.probe(*point, Draw(0), V / np.sqrt(n), "central")
        return look.gradient(probe, self._measure(probe), Plan("full", n, "none", ""))

    def estimates(self, point: tuple[int, Array], plans: Sequence[Plan]) -> Array:
        """Gradients (draws, plans, dim) at a point; plans share what can be shared."""
        return np.array([self._draw(point, plans, draw) for draw in range(_DRAWS)])

    def _draw(self, point: tuple[int, Array], plans: Sequence[Plan], draw: int) -> Array:
        families = {(method(plan.estimator).kind) for plan in plans if plan != ALONE}
        shared = {kind: self._probed(point, kind, plans, draw) for kind in families}
        return np.array([self._estimate(point, plan, shared) for plan in plans])

    def _probed(
        self, point: tuple[int, Array], kind: str | None, plans: Sequence[Plan], draw: int
    ) -> tuple[Probe, list[Evaluation]]:
        """A probe with as many tangents as the plans with tangents of that kind need."""
        alike = [plan for plan in plans if plan != ALONE and method(plan.estimator).kind == kind]
        chosen, n = method(alike[0].estimator), len(point[1])
        k = max(min(plan.tangents, n) for plan in alike)
        key = (self.config.seed, _TRUTH + 1 + draw, point[0])
        V = chosen.tangents(self.config.tangent_kind, key, k, np.ones(n, dtype=bool))
        probe = self.perturber.probe(*point, Draw(0), V, chosen.scheme)
        return probe, self._measure(probe)

    def _estimate(
        self,
        point: tuple[int, Array],
        plan: Plan,
        shared: Mapping[Kind | None, tuple[Probe, list[Evaluation]]],
    ) -> Array:
        if plan == ALONE:
            space, inputs = self.policy.arms.space, self.perturber.dataset.inputs
            encoded = space.encode(space.to_settings(np.clip(point[1], -1.0, 1.0)))
            slope: Array = self.policy.surrogate.gradient(inputs[point[0]][None], encoded[None])[0]
            return slope
        chosen = method(plan.estimator)
        probe, evaluations = shared[chosen.kind]
        count = probe.moves.shape[1] if chosen.spanning else plan.tangents
        rows = probe.rows(range(count))
        part = probe.only(range(count)), [evaluations[row] for row in rows]
        return self.perturber.gradient(*part, plan)

    def _measure(self, probe: Probe) -> list[Evaluation]:
        return self.evaluator.measure([(probe.instance, each) for each in probe.settings], "bench")


def compare(workshop: Workshop, place: str, count: int, plans: Sequence[Plan]) -> list[Quality]:
    """Every plan against the true gradient at `count` base points."""
    points = workshop.points(place, count)
    true = np.array([workshop.truth(point) for point in points])
    found = np.array([workshop.estimates(point, plans) for point in points])
    index = [index for index, _ in points]
    return [
        _quality(_calls(plan, true.shape[1]), true, found[:, :, row], workshop.policy, index)
        for row, plan in enumerate(plans)
    ]


def _calls(plan: Plan, n: int) -> int:
    return 0 if plan == ALONE else plan.calls(n)


def _quality(
    calls: int, true: Array, found: Array, policy: PolicyTrainer, index: Sequence[int]
) -> Quality:
    """Of estimates `found` (points, draws, dim) of gradients `true` (points, dim)."""
    power = float(np.mean(np.sum(true**2, axis=1)))
    error = np.mean(np.sum((found - true[:, None]) ** 2, axis=2))
    spread = np.sum(found.var(axis=1, ddof=1), axis=1)
    whole = [slice(start, start + BATCH) for start in range(0, len(true) - BATCH + 1, BATCH)]
    batches = [
        _cosine(
            weights(policy, index[part], found[part, draw]),
            weights(policy, index[part], true[part]),
        )
        for part in whole
        for draw in range(found.shape[1])
    ]
    return Quality(
        calls,
        float(np.mean(_cosine(found, true[:, None]))),
        float(np.mean(batches)) if batches else float("nan"),
        float(error / power),
        float(spread.mean() / power),
    )


def weights(policy: PolicyTrainer, index: Sequence[int], z: Array) -> Array:
    """Gradient of a batch's mean cost on the network's weights, from those on coordinates z."""
    predicted = policy.model(policy.inputs[list(index)])
    total = (as_tensor(z) * predicted).sum(dim=1).mean()
    parts = torch.autograd.grad(total, list(policy.model.parameters()))
    return torch.cat([each.reshape(-1) for each in parts]).numpy().astype(float)


def _cosine(a: Array, b: Array) -> Array:
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    cosine: Array = np.sum(a * b, axis=-1) / np.maximum(lengths, 1e-300)
    return cosine
