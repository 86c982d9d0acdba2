"""Phase 2: forward-perturbation steps. Measure around what the learner does, correct, move.

Per instance one arm is drawn by the learner. Its numbers are perturbed along k tangents, which
corrects the surrogate's gradient in these directions (projection with control variate); the cost
of the arm itself corrects the surrogate's opinion of the arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasolve.gradient import Scheme, clip_differences, generator, method
from metasolve.model.matches import as_tensor
from metasolve.model.squash import squash
from metasolve.model.surrogate import Surrogate
from metasolve.space import Space
from metasolve.space.setting import Integer
from metasolve.train.config import TrainConfig
from metasolve.train.dataset import Dataset
from metasolve.train.evaluator import Evaluation, Evaluator
from metasolve.train.learner import Correction, Learner
from metasolve.train.probe import Draw, Probe, survivors

Array = NDArray[np.float64]
EXPLORATION = 0.15  # share of arms drawn evenly from those in play instead of from the policy
USUAL, USUAL_TANGENTS = "projected", 2
_MEMORY = 0.8  # weight of earlier steps in the running ρ, per step
_LARGEST_DIFFERENCE = 2.0  # cost; a jump beyond says "failed", not how steep it is


@dataclass(frozen=True)
class Plan:
    """How gradients are measured.

    Attributes
    ----------
    estimator : name of a `metasolve.gradient.Method`.
    tangents : perturbations per instance and step, where the estimator leaves the choice.
    control_variate : whether the surrogate's gradient is corrected, or replaced.
    why : who chose it.
    """

    estimator: str
    tangents: int
    control_variate: str
    why: str

    @classmethod
    def of(cls, config: TrainConfig, why: str = "as asked for") -> Plan:
        """What the options say; of `auto`, what it starts from."""
        name = USUAL if config.estimator == "auto" else config.estimator
        variate = config.control_variate if method(name).linear else "none"
        return cls(name, config.tangents or USUAL_TANGENTS, variate, why)

    def calls(self, n: int) -> int:
        """Solver calls for an instance of whose arm n numbers can be set."""
        chosen = method(self.estimator)
        return max(1, chosen.calls(min(self.tangents, n), n))


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
    config, learner, dataset, evaluator : options, what moves, what is known, what measures.
    """

    def __init__(
        self,
        config: TrainConfig,
        learner: Learner,
        dataset: Dataset,
        evaluator: Evaluator,
    ) -> None:
        self.config, self.learner, self.dataset = config, learner, dataset
        self.evaluator, self.noise = evaluator, learner.surrogate.noise
        self.epsilon = config.epsilon or epsilon_for(self.noise)
        self.sizes = step_sizes(learner.arms.space, self.epsilon)
        self.plan = Plan.of(config)
        self._wrong, self._total = 0.0, 0.0  # running sums behind ρ²

    def step(self, number: int, instances: Sequence[int]) -> dict[str, float | str]:
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
        diagnostics: dict[str, float | str] = {"lost": sum(each.outcome.lost for each in results)}
        if measured:
            diagnostics |= self._move(measured)
        self.dataset.add(results)  # what was lost too: as failures, to be avoided
        self._learn(number)
        return diagnostics

    def learn(self, results: Sequence[Evaluation]) -> None:
        """Add what was measured outside the steps."""
        self.dataset.add(results)
        self.learner.surrogate.condition(self.dataset.matches())

    def _move(self, measured: Sequence[tuple[Probe, list[Evaluation]]]) -> dict[str, float | str]:
        correction, diagnostics = self._correction(measured)
        expected = self.learner.correct(correction)
        costs = [probe.level(np.array([each.cost for each in mine])) for probe, mine in measured]
        return {"cost": float(np.mean(costs)), "expected": expected, **diagnostics}

    def _learn(self, number: int) -> None:
        surrogate, matches = self.learner.surrogate, self.dataset.matches()
        if number % 5 == 4:
            surrogate.fit(matches, steps=15)
        else:
            surrogate.condition(matches)

    @property
    def trusts(self) -> bool:
        """Whether the control variate is in use: ρ of the steps so far is below 1."""
        helps = self._wrong < self._total or self._total == 0.0
        return self.plan.control_variate == "surrogate" and helps

    def _probe(self, number: int, index: int) -> Probe:
        key, chosen = (self.config.seed, number, index), method(self.plan.estimator)
        draw = self.draw(index, key)
        active = self.learner.arms.mask[draw.arm] > 0
        k = min(self.plan.tangents, int(active.sum()))
        V = chosen.tangents(self.config.tangent_kind, key, k, active)
        z = self.learner.numbers(index, draw.arm)
        return self.probe(index, z, draw, V, chosen.scheme)

    def probe(self, index: int, z: Array, draw: Draw, V: Array, scheme: Scheme) -> Probe:
        """What to measure along tangents V (dim, k) around coordinates z (dim,)."""
        arms, arm, base = self.learner.arms, draw.arm, np.clip(z, -1.0, 1.0)
        forth = np.clip(base + (self.sizes[:, None] * V).T, -1, 1)
        back = np.clip(base - (self.sizes[:, None] * V).T, -1, 1)
        # A probe that leaves the box measures nothing: take the side with more room.
        further = np.abs(forth - base).sum(axis=1) >= np.abs(back - base).sum(axis=1)
        one_sided = [base, *np.where(further[:, None], forth, back)]
        central = scheme == "central" and V.shape[1] > 0
        points = [*forth, *back] if central else one_sided
        settings = [arms.settings(arm, point) for point in points]
        encoded = np.array([arms.space.encode(each) for each in settings])
        if central:
            ahead, behind = np.split(encoded, 2)
            moved = (ahead - behind) / 2.0
        else:
            moved = encoded[1:] - encoded[0]
        moves = (moved / self.sizes).T * (arms.mask[arm] > 0)[:, None]
        used: Scheme = "central" if central else "forward"
        return Probe(index, draw, settings, encoded, moves, used)

    def draw(self, index: int, key: tuple[int, int, int]) -> Draw:
        """An arm from the learner on an instance, now and then any that fits."""
        learner, kept = self.learner, self.learner.kept
        here = learner.symmetric(learner.inputs[index : index + 1])
        pi = learner.chances(index)
        pi = pi / max(float(pi.sum()), 1e-12)
        fits = learner.arms.general[kept.numpy()] | bool(here)
        even = fits / fits.sum() if fits.any() else np.full(len(kept), 1.0 / len(kept))
        q = (1.0 - EXPLORATION) * pi + EXPLORATION * even
        drawn = int(np.searchsorted(np.cumsum(q), generator(key).uniform() * q.sum()))
        drawn = min(drawn, len(kept) - 1)
        return Draw(int(kept[drawn]), float(pi[drawn]), float(q[drawn]))

    def _correction(
        self, measured: Sequence[tuple[Probe, list[Evaluation]]]
    ) -> tuple[Correction, dict[str, float | str]]:
        slopes, excess, wrong, total = [], [], 0.0, 0.0
        trusts = self.trusts  # of earlier steps: what decides must not be what it is used on
        for probe, evaluations in measured:
            costs, believed = self.squashed(evaluations), self._believed(probe)
            d, d_hat = self._differences(probe, costs), probe.differences(believed)
            slopes.append(self._numbers(probe, evaluations, trusts, self.plan))
            excess.append(probe.level(costs) - probe.level(believed))
            wrong, total = wrong + float(np.sum((d - d_hat) ** 2)), total + float(np.sum(d**2))
        self._wrong = _MEMORY * self._wrong + wrong
        self._total = _MEMORY * self._total + total
        x = self.learner.inputs[[probe.instance for probe, _ in measured]]
        correction = Correction(
            x=x,
            symmetric=self.learner.symmetric(x),
            arm=np.array([probe.draw.arm for probe, _ in measured]),
            chance=np.array([probe.draw.chance for probe, _ in measured]),
            drawn=np.array([probe.draw.drawn for probe, _ in measured]),
            slope=np.array(slopes),
            excess=np.array(excess),
        )
        diagnostics: dict[str, float | str] = {
            # ρ = ‖∇f − ∇f̂‖ / ‖∇f‖ along the probes: the control variate helps while it is below 1
            "rho": (wrong / total) ** 0.5 if total > 0 else 0.0,
            "bias": float(np.mean(correction.weight * correction.excess)),
            "control_variate": "surrogate" if trusts else "none",
        }
        return correction, diagnostics

    def gradient(self, probe: Probe, evaluations: Sequence[Evaluation], plan: Plan) -> Array:
        """What a plan makes of the cost's gradient with respect to the numbers, (dim,)."""
        trusts = plan.control_variate == "surrogate"
        slope = self._slope(probe, self.learner.surrogate)
        return slope + self._numbers(probe, evaluations, trusts, plan)

    def squashed(self, evaluations: Sequence[Evaluation]) -> Array:
        """Costs as the surrogate sees them."""
        return squash(as_tensor([each.cost for each in evaluations])).numpy().astype(float)

    def _differences(self, probe: Probe, costs: Array) -> Array:
        return clip_differences(probe.differences(costs), _LARGEST_DIFFERENCE)

    def _numbers(
        self, probe: Probe, evaluations: Sequence[Evaluation], trusts: bool, plan: Plan
    ) -> Array:
        """What to add to the surrogate's gradient on the numeric coordinates, (dim,)."""
        slope = self._slope(probe, self.learner.surrogate)
        if trusts and method(plan.estimator).conditions:
            seen = self.dataset.matched(evaluations, probe.encoded)
            return self._slope(probe, self.learner.surrogate.given(seen)) - slope
        d = self._differences(probe, self.squashed(evaluations))
        if not trusts:
            return self._estimate(probe, d, plan) - slope
        # The same finite difference is taken of the surrogate, so its curvature cancels too.
        error = d - probe.differences(self._believed(probe))
        power = float(np.sum(error**2))
        expected = 2.0 * self.noise**2 * len(error)
        trust = max(0.0, 1.0 - expected / power) if power > 0 else 0.0  # positive-part shrinkage
        return self._estimate(probe, trust * error, plan)

    def _estimate(self, probe: Probe, d: Array, plan: Plan) -> Array:
        """Gradient (dim,) from differences, with respect to the active numbers only."""
        chosen, active = method(plan.estimator), self.learner.arms.mask[probe.draw.arm] > 0
        found = np.zeros(len(active))
        if d.size:
            # Signs have no size: that of the differences is taken.
            size = 1.0 if chosen.linear else float(np.median(np.abs(d)))
            found[active] = size * chosen.gradient(probe.moves[active], d) / self.sizes[active]
        return found

    def _slope(self, probe: Probe, surrogate: Surrogate) -> Array:
        """A surrogate's gradient at the base point, or the mean around it, (dim,)."""
        points = probe.encoded[:1] if probe.scheme == "forward" else probe.encoded
        x = np.repeat(self.dataset.inputs[probe.instance][None], len(points), axis=0)
        slope = surrogate.gradient(x, points).mean(axis=0)
        return np.where(self.learner.arms.mask[probe.draw.arm] > 0, slope, 0.0)

    def _believed(self, probe: Probe) -> Array:
        x = np.repeat(self.dataset.inputs[probe.instance][None], len(probe.encoded), axis=0)
        taken = self.learner.surrogate.predict(x, probe.encoded, probe.instance)
        above: Array = taken - self.dataset.difficulty[probe.instance]
        return above
