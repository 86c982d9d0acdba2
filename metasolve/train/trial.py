"""Which estimator suits the problem at hand: a short trial, before the perturbation steps.

At a few base points more differences are measured than any candidate uses. Of each candidate's
gradient g it counts how much a step along it lowers the cost per solver call: with the best step
size that is (E⟨g, ∇c⟩)² / (2L E‖g‖²), a shape that neither the length of g nor a bias changes. The
products with the unknown ∇c come from differences that no candidate has seen, along independent
tangents u with E u uᵀ = I: E (uᵀ∇c)(uᵀg) = ⟨∇c, g⟩, and noise in them averages out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from metasolve.gradient import method, tangents
from metasolve.train.config import TrainConfig
from metasolve.train.evaluator import Evaluation
from metasolve.train.perturb import Perturber, Plan
from metasolve.train.probe import Probe, survivors

SHARE = 0.2  # of the calls for perturbation
_POINTS = (4, 12)  # base points, at least and at most
_SEEN, _UNSEEN = 6, 2  # tangents that candidates may use, at most; tangents that judge them
_TANGENTS = (1, 2, 4)
_STEP = 2**40  # beyond the number of any perturbation step: tangents of its own
Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Point:
    """A base point, what was measured there, and how many of its tangents are for candidates."""

    probe: Probe
    evaluations: list[Evaluation]
    seen: int

    def part(self, columns: Sequence[int]) -> tuple[Probe, list[Evaluation]]:
        """The point with some of its tangents only."""
        rows = self.probe.rows(columns)
        return self.probe.only(columns), [self.evaluations[row] for row in rows]


def choose(config: TrainConfig, perturber: Perturber, instances: Sequence[int], calls: int) -> Plan:
    """The plan asked for; for `auto` that of most descent per call, the usual one unless beaten.

    Parameters
    ----------
    instances : base points are drawn from these.
    calls : solver calls that perturbation may make, the trial included.
    """
    if config.estimator != "auto":
        return Plan.of(config)
    usual = Plan.of(config, "the usual one: too few calls for a trial")
    count = min(_POINTS[1], int(SHARE * calls) // (1 + _SEEN + _UNSEEN), len(instances))
    if count < _POINTS[0]:
        return usual
    order = np.random.default_rng([config.seed, 4]).permutation(instances)
    points = _measure(config, perturber, [int(index) for index in order[:count]])
    if len(points) < _POINTS[0]:
        return replace(usual, why="the usual one: too few base points with numbers to set")
    plans = list(dict.fromkeys([replace(usual, why=""), *_candidates(config)]))
    progress = np.array([[_progress(perturber, plan, each) for each in points] for plan in plans])
    return _judge(plans, progress, len(points))


def _measure(config: TrainConfig, perturber: Perturber, instances: Sequence[int]) -> list[_Point]:
    probes = [_probe(config, perturber, index) for index in instances]
    asked = [(probe.instance, each) for probe in probes for each in probe.settings]
    results = perturber.evaluator.measure(asked, "trial")
    points, rest = [], results
    for probe in probes:
        mine, rest = rest[: len(probe.settings)], rest[len(probe.settings) :]
        seen = probe.moves.shape[1] - _UNSEEN
        left = survivors(probe, mine)
        if seen > 0 and left is not None and len(left[1]) == len(mine):
            points.append(_Point(probe, mine, seen))
    perturber.learn(results)
    return points


def _probe(config: TrainConfig, perturber: Perturber, index: int) -> Probe:
    """Orthogonal tangents for the candidates, then independent ones to judge them by."""
    seed = config.seed
    draw = perturber.draw(index, (seed, _STEP, index))
    active = perturber.learner.arms.mask[draw.arm] > 0
    n, z = int(active.sum()), perturber.learner.numbers(index, draw.arm)
    if n == 0:
        return perturber.probe(index, z, draw, np.zeros((len(active), 0)), "forward")
    V = tangents("orthogonal", (seed, _STEP, index), min(n, _SEEN), active)
    U = tangents("rademacher", (seed, _STEP + 1, index), _UNSEEN, active)
    return perturber.probe(index, z, draw, np.hstack([V, U]), "forward")


def _candidates(config: TrainConfig) -> list[Plan]:
    """What can be judged from these differences; `tangents` and the variate if not asked for."""
    counts = (config.tangents,) if config.tangents else _TANGENTS
    variates = ("surrogate", "none") if config.control_variate == "surrogate" else ("none",)
    linear = [
        Plan(name, k, variate, "")
        for variate in variates
        for name in ("projected", "mean")
        for k in counts
        if k <= _SEEN
    ]
    signs = [Plan("sign", k, "none", "") for k in counts if k <= _SEEN]
    wiser = [Plan("posterior", k, "surrogate", "") for k in counts if "surrogate" in variates]
    return [*linear, *signs, *wiser, *(Plan("full", counts[-1], each, "") for each in variates)]


def _progress(perturber: Perturber, plan: Plan, point: _Point) -> Array:
    """⟨g, ∇c⟩, ‖g‖² and solver calls of a plan at a base point, (3,): means over the tangents used.

    In units of the step sizes, because integers move by larger ones.
    """
    seen, spanning = point.seen, method(plan.estimator).spanning
    k = seen if spanning else min(plan.tangents, seen)
    unseen, judges = point.part(range(seen, seen + _UNSEEN))
    d = unseen.differences(perturber.squashed(judges))
    found = []
    for first in range(1 if k == seen else seen):
        columns = [(first + each) % seen for each in range(k)]
        g = perturber.gradient(*point.part(columns), plan)
        moved = g * perturber.sizes
        found.append((float(np.mean(d * (unseen.moves.T @ moved))), float(moved @ moved)))
    return np.array([*np.mean(found, axis=0), float(plan.calls(seen))])


def _judge(plans: Sequence[Plan], progress: Array, count: int) -> Plan:
    """The best by more than two standard errors (jackknife over base points), else the first."""
    every = _efficiency(progress.sum(axis=1))
    without = np.array(
        [_efficiency(np.delete(progress, one, axis=1).sum(axis=1)) for one in range(count)]
    )
    ahead = without - without[:, :1]
    error = np.sqrt((count - 1) / count * np.sum((ahead - ahead.mean(axis=0)) ** 2, axis=0))
    sure = every - every[0] - 2.0 * error
    best = int(np.argmax(sure)) if sure.max() > 0 else 0
    gain = f"{every[best] / every[0]:.2f} times" if every[0] > 0 else "more than"
    seen = f"{count} base points, unseen differences"
    if best == 0:
        return replace(plans[0], why=f"nothing was surely better in a trial ({seen})")
    usual = f"{plans[0].estimator} with {plans[0].tangents} tangents"
    return replace(plans[best], why=f"{gain} the descent per call of {usual} in a trial ({seen})")


def _efficiency(sums: Array) -> Array:
    """Descent per solver call up to a factor, (plans,), from sums over base points (plans, 3)."""
    along, power, calls = sums.T
    descent: Array = np.maximum(along, 0.0) ** 2 / np.maximum(power, 1e-30) / calls
    return descent
