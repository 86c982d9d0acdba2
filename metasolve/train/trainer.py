"""`Trainer`: the loop, phase by phase, within a budget of solver calls.

    0 reference     the host's own configuration on every instance
    1 design        sampled settings, first evenly, then where the surrogate hopes
      warm start    the policy learns from the surrogate; no solver calls
    2 perturbation  forward-perturbation steps around the policy
    3 selection     policy, constants and the host meet on validation instances

Deterministic: outcomes and seed decide everything, so a journal of outcomes resumes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from metasolve.cost import Cost
from metasolve.errors import UsageError
from metasolve.farm import Farm
from metasolve.instance import Instance
from metasolve.model.meta_model import MetaModel
from metasolve.model.model import Layer, Model, Standardisation, constant_layers
from metasolve.model.surrogate import Surrogate
from metasolve.outcome import Reason
from metasolve.space import Space
from metasolve.train.arms import Arms, shortlist
from metasolve.train.config import TrainConfig
from metasolve.train.dataset import Dataset
from metasolve.train.design import hopeful, stratified
from metasolve.train.evaluator import HOST, Evaluator
from metasolve.train.events import Event, Events
from metasolve.train.perturb import Perturber, measured_noise
from metasolve.train.policy import Incumbents, PolicyTrainer, incumbents
from metasolve.train.selection import Candidate, Verdict, select
from metasolve.train.split import split, spread_out

HIDDEN = (64, 64)
MOST_ARMS = 12  # in play after the design; each costs one surrogate evaluation per policy step
_REFERENCE_SHARE = 0.2  # of the calls; more instances than that are thinned out


@dataclass(frozen=True)
class Trained:
    """The outcome of training.

    Attributes
    ----------
    model : the winner.
    surrogate : weights of the surrogate, by name.
    verdicts : of every candidate on the validation instances.
    calls : solver calls by phase.
    """

    model: Model
    surrogate: dict[str, np.ndarray]
    verdicts: dict[str, Verdict]
    calls: dict[str, int]


class Trainer:
    """Trains one model. `run` does it all.

    Parameters
    ----------
    instances : what to learn from; all with the same features.
    space : what may be set.
    farm : where solver calls run. Collective: yes, on the farm's ranks.
    config : options.
    groups : group of each instance, by id; groups are not split between training and validation.
    events, journal : where events go; evaluations of an interrupted run.
    on_progress : called with phase and number of calls made so far.
    """

    def __init__(
        self,
        instances: Sequence[Instance],
        space: Space,
        farm: Farm,
        config: TrainConfig,
        groups: Mapping[str, str] | None = None,
        events: Events | None = None,
        journal: Sequence[Event] = (),
        on_progress: Callable[[str, int], None] = lambda phase, calls: None,
    ) -> None:
        if not instances:
            raise UsageError("no instances to train on: record some solves first")
        torch.set_num_threads(1)  # the same sums in the same order everywhere; solvers want cores
        self.instances, self.space, self.config = list(instances), space, config
        self.groups = [(groups or {}).get(each.id, each.id) for each in instances]
        self.events = events or Events(None)
        self.phase, self.by_phase = "reference", {}
        self._on_progress = on_progress
        self.evaluator = Evaluator(
            farm,
            self.instances,
            Cost(config.measure, config.cap),
            config.calls,
            self.events,
            journal,
            self._progress,
        )
        self.arms = Arms(space)
        names = list(self.instances[0].features)
        table = np.array([_row(each, names) for each in self.instances])
        self.standardisation = Standardisation.fit(names, table)
        self.inputs = self.standardisation(table)
        self.varies = np.ptp(self.inputs, axis=0) > 1e-6
        self.inputs[:, ~self.varies] = 0.0
        self.dataset = Dataset(space, self.inputs)
        self.surrogate = Surrogate(len(names), space.dim, seed=config.seed)

    def run(self) -> Trained:
        """Train, select, and return the winner."""
        train, validation = self._reference()
        if not train:
            return self._left_to_host()
        self._design(train)
        best = self._incumbents(train)
        policy = self._warm_start(train, best)
        early = policy.model.layers()
        self._perturb(policy, train, len(validation))
        self.surrogate.fit(self.dataset.matches(), steps=150, learning_rate=2e-3)
        policy.steps(150, learning_rate=(3e-3, 3e-4), temperature=(0.02, 0.005))
        return self._select(policy.model.layers(), early, self._incumbents(train), validation)

    # --- phase 0 ------------------------------------------------------------------------------

    def _reference(self) -> tuple[list[int], list[int]]:
        self._enter("reference")
        most = max(4, int(_REFERENCE_SHARE * self.config.calls))
        chosen = spread_out(self.inputs, most, self.config.seed)
        results = self.evaluator.measure([(index, dict(HOST)) for index in chosen], "reference")
        usable = [each.instance for each in results if each.outcome.reason is not Reason.ERROR]
        train, validation = split(self.groups, usable, self.config.seed)
        self.events.emit(
            "split",
            train=[self.instances[index].id for index in train],
            validation=[self.instances[index].id for index in validation],
            not_evaluable=[
                {"instance": self.instances[each.instance].id, "why": each.outcome.message}
                for each in results
                if each.outcome.reason is Reason.ERROR
            ],
            same=train == validation,
        )
        return train, validation

    def _left_to_host(self) -> Trained:
        self.events.emit("nothing", why="the host's own configuration could not be evaluated")
        model = self._model("default", self._constant(self.space.defaults()), {})
        return Trained(model, {}, {}, dict(self.by_phase))

    # --- phase 1 ------------------------------------------------------------------------------

    def _design(self, train: list[int]) -> None:
        self._enter("design")
        seed, count = self.config.seed, int(self.config.design_share * self.config.calls)
        even = count // 2
        self.dataset.add(self.evaluator.measure(stratified(self.arms, train, even, seed), "design"))
        rounds = 4
        for turn in range(rounds):
            steps = 300 if turn == 0 else 100
            self.surrogate.fit(self.dataset.matches(), steps)
            asked = hopeful(
                self.arms, self.surrogate, self.inputs, train, (count - even) // rounds,
                1000 * seed + turn,
            )  # fmt: skip
            self.dataset.add(self.evaluator.measure(asked, "design"))
        loss = self.surrogate.fit(self.dataset.matches(), steps=200)
        self.events.emit("design", calls=self.evaluator.calls, surrogate_loss=loss)

    def _incumbents(self, train: list[int]) -> Incumbents:
        return incumbents(
            self.surrogate, self.arms, self.inputs[train], self.config.pessimism, self.config.seed
        )

    def _warm_start(self, train: list[int], best: Incumbents) -> PolicyTrainer:
        kept = shortlist(best.each, within=0.15, most=MOST_ARMS)
        start = self._start(best)
        model = MetaModel(
            len(self.varies), self.space.dim, start, self.varies, HIDDEN, self.config.seed
        )
        policy = PolicyTrainer(
            model, self.surrogate, self.arms, self.inputs, kept, self.config.pessimism,
            self.config.seed,
        )  # fmt: skip
        expected = policy.steps(400)
        self.events.emit(
            "warm_start",
            arms=[self.arms.arms[arm] for arm in kept],
            expected=expected,
            constant=float(best.cost.min()),
        )
        return policy

    def _start(self, best: Incumbents) -> np.ndarray:
        """Coordinates to start from: each arm's best numbers, logits leaning to the best arm."""
        order = np.argsort(-best.cost)  # the best arm writes last
        start = self.space.to_vector(self.space.defaults())
        for arm in order:
            start = np.where(self.arms.mask[arm] > 0, best.numbers[arm], start)
        chosen = self.space.to_vector(self.arms.arms[int(np.argmin(best.cost))])
        return np.where(self.space.continuous, np.clip(start, -0.9, 0.9), chosen)

    # --- phase 2 ------------------------------------------------------------------------------

    def _perturb(self, policy: PolicyTrainer, train: list[int], validating: int) -> None:
        self._enter("perturbation")
        keep = min(int(self.config.selection_share * self.config.calls), 25 * validating)
        rng = np.random.default_rng([self.config.seed, 3])
        perturber = Perturber(self.config, policy, self.dataset, self.evaluator, 0.0)
        if self.config.measure == "seconds" and self.evaluator.left - keep > 32:
            few = [int(index) for index in rng.permutation(train)[:4]]
            asked = [(index, self.space.to_settings(perturber.coordinates(index))) for index in few]
            noise, results = measured_noise(asked, self.evaluator)
            self.dataset.add(results)
            perturber = Perturber(self.config, policy, self.dataset, self.evaluator, noise)
        self.events.emit("epsilon", noise=perturber.noise, epsilon=perturber.epsilon)
        per_instance = 1 + self.config.tangents
        batch = int(np.clip((self.evaluator.left - keep) // (20 * per_instance), 1, 8))
        queue: list[int] = []
        number = 0
        while self.evaluator.left - keep >= batch * per_instance:
            if len(queue) < batch:
                queue += [int(index) for index in rng.permutation(train)]
            taken, queue = queue[:batch], queue[batch:]
            diagnostics = perturber.step(number, taken)
            number += 1
            self.events.emit("step", step=number, calls=self.evaluator.calls, **diagnostics)

    # --- phase 3 ------------------------------------------------------------------------------

    def _select(
        self,
        final: tuple[Layer, ...],
        early: tuple[Layer, ...],
        best: Incumbents,
        validation: list[int],
    ) -> Trained:
        self._enter("selection")
        order = np.argsort(best.cost, kind="stable")
        candidates = [
            Candidate("policy", self._model("policy", final, {})),
            Candidate("warm start", self._model("policy", early, {})),
        ]
        for rank, arm in enumerate(order[:2], start=1):
            settings = self.arms.settings(int(arm), best.numbers[arm])
            layers = self._constant(settings)
            candidates.append(Candidate(f"global {rank}", self._model("global", layers, {})))
        host = self._model("default", self._constant(self.space.defaults()), {})
        candidates.append(Candidate("host default", host))
        winner, verdicts = select(candidates, self.evaluator, validation)
        self._enter("done")
        self.events.emit(
            "selected",
            winner=winner.name,
            verdicts={name: _finite(verdict.to_dict()) for name, verdict in verdicts.items()},
            calls=self.evaluator.calls,
        )
        info = {
            "validation": {name: _finite(each.to_dict()) for name, each in verdicts.items()},
            "winner": winner.name,
            "budget_seconds": self._budget_seconds(),
        }
        model = self._model(winner.kind, winner.model.layers, info)
        weights = {
            name: values.detach().numpy().copy()
            for name, values in self.surrogate.named_parameters()
        }
        return Trained(model, weights, verdicts, dict(self.by_phase))

    def _budget_seconds(self) -> list[float]:
        """Coefficients a, b of the host's expected seconds exp(a + b log nnz)."""
        known = list(self.evaluator.host)
        seconds = [
            np.median([o.setup_seconds + o.solve_seconds for o in self.evaluator.host[index]])
            for index in known
        ]
        sizes = [_log_nnz(self.instances[index]) for index in known]
        return fit_seconds(np.maximum(seconds, 1e-7), sizes)

    # --- shared -------------------------------------------------------------------------------

    def _constant(self, settings: dict[str, Any]) -> tuple[Layer, ...]:
        return constant_layers(len(self.varies), self.space.to_vector(settings))

    def _model(self, kind: str, layers: tuple[Layer, ...], info: dict[str, Any]) -> Model:
        calls = {"train": self.evaluator.calls, **self.by_phase}
        known = [self.instances[index].id for index in self.evaluator.host]
        info = {**info, "calls": calls, "seed": self.config.seed, "trained_on": known}
        return Model(kind, self.space, self.standardisation, layers, info)

    def _enter(self, phase: str) -> None:
        self.phase = phase
        self.events.emit("phase", phase=phase, calls=self.evaluator.calls)
        self.events.flush()

    def _progress(self, calls: int) -> None:
        done = sum(self.by_phase.values())
        self.by_phase[self.phase] = self.by_phase.get(self.phase, 0) + calls - done
        self._on_progress(self.phase, calls)


def fit_seconds(seconds: Sequence[float], sizes: Sequence[float | None]) -> list[float]:
    """Coefficients a, b such that most of the seconds are below exp(a + b size).

    Least squares with 0 <= b <= 2, then raised to the 90th percentile of the residuals, because
    a budget is there to stop what is hopeless, not what is harder than average.
    """
    logs = np.log(np.asarray(seconds, dtype=float))
    b = 0.0
    x = np.array([0.0 if size is None else size for size in sizes])
    if np.ptp(x) > 0.1:
        b = float(np.clip(np.polyfit(x, logs, 1)[0], 0.0, 2.0))
    return [float(np.quantile(logs - b * x, 0.9)), b]


def _log_nnz(instance: Instance) -> float | None:
    nnz = getattr(instance.payload, "nnz", None)
    return float(np.log(nnz)) if nnz else None


def _row(instance: Instance, names: Sequence[str]) -> list[float]:
    if set(instance.features) != set(names):
        raise UsageError(
            f"instance {instance.id}: its features differ from those of the first instance: "
            "record all with one version of metasolve"
        )
    row = [float(instance.features[name]) for name in names]
    if not np.isfinite(row).all():
        bad = names[int(np.argmin(np.isfinite(row)))]
        raise UsageError(f"instance {instance.id}: feature {bad} is not finite: leave it out")
    return row


def _finite(verdict: dict[str, float]) -> dict[str, float | None]:
    """Strict JSON has no infinity: None for a candidate that was not measured."""
    return {key: value if np.isfinite(value) else None for key, value in verdict.items()}
