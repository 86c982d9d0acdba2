"""`Trainer`: the loop, phase by phase, within a budget of solver calls.

    0 reference     the host's own configuration, where seconds count twice
    1 design        sampled settings, first evenly, then where the surrogate hopes
      warm start    the learner, a policy or a mixture, asks the surrogate; no solver calls
      trial         estimator and number of tangents, where they are not asked for
    2 perturbation  forward-perturbation steps around what it does
    3 selection     policies, constants and the host meet on validation instances

Deterministic: outcomes and seed decide everything, so a record of outcomes resumes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.farm import Farm
from metasolve.model.layer import constant_layers
from metasolve.model.model import Model
from metasolve.model.surrogate import Surrogate, nothing
from metasolve.solve.cost import Cost
from metasolve.space.space import Settings
from metasolve.train.arms import Arms
from metasolve.train.candidate import Candidate, Verdict
from metasolve.train.config import TrainConfig
from metasolve.train.dataset import Dataset
from metasolve.train.design import explore
from metasolve.train.difficulty import Difficulty
from metasolve.train.evaluator import Evaluator
from metasolve.train.events import Event, Events
from metasolve.train.foreseen import Foreseen
from metasolve.train.gate import Expectation
from metasolve.train.inputs import Inputs, expected_seconds
from metasolve.train.learner import Learner
from metasolve.train.mixture import Mixture
from metasolve.train.perturb import Perturber
from metasolve.train.policy import PolicyTrainer
from metasolve.train.reference import measured, remembered
from metasolve.train.risk import Risk, believing
from metasolve.train.selection import select
from metasolve.train.task import Task
from metasolve.train.teacher import Lesson, Teacher
from metasolve.train.trial import choose

_SERVES = 2  # operators that a set-up is taken to serve in a sequence, as in production
_CONSTANTS = 2  # that meet in the selection, by either objective
_VALIDATION_CALLS = (6, 25)  # per validation instance: a race of some; some repeats of all


@dataclass(frozen=True)
class Trained:
    """What training came to.

    Attributes
    ----------
    model : the winner.
    surrogate : weights of the surrogate, by name.
    verdicts : of every candidate on the validation instances, by name.
    """

    model: Model
    surrogate: dict[str, NDArray[np.float64]]
    verdicts: dict[str, Verdict]


class Trainer:
    """Trains one model; `run` does it all.

    Parameters
    ----------
    task : what to learn.
    farm : where solver calls run. Collective: yes, on the farm's ranks.
    config : options.
    events : where to log.
    earlier : evaluations of a finished run with fewer calls, which count and are learned from.
    on_progress : called with the number of calls made so far, after each batch.
    """

    def __init__(
        self,
        task: Task,
        farm: Farm,
        config: TrainConfig,
        events: Events | None = None,
        earlier: Sequence[Event] = (),
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        torch.set_num_threads(1)  # the same sums in the same order everywhere; solvers want cores
        self.task, self.config, self.space = task, config, task.space
        self.events = events or Events(None)
        self._on_progress, self._phase = on_progress, "reference"
        self._by_phase: dict[str, int] = {}
        self._gradient: dict[str, Any] = {}
        cost, known = Cost(config.measure, config.cap), (self.events, self._progress)
        self.evaluator = Evaluator(farm, task.instances, cost, config.calls, *known, task.made_good)
        self._expertise = task.asked(config)
        self._earlier = self.evaluator.recall(earlier)
        self._by_phase["earlier"] = len(earlier)
        self.arms = Arms(task.space)
        self.inputs = Inputs.of(task.instances)

    def run(self) -> Trained:
        """Train, select, return the winner; `TrainingError` where most calls came to nothing."""
        train, validation = self.reference()
        if not train:
            raise self.evaluator.losses.error()
        lesson = self.explore(train)
        adam = self.config.optimizer == "adam"
        learner = lesson.network() if adam else lesson.mixture()
        self._perturb(learner, train, len(validation))
        self._fit()
        learner.finish()
        return self._select(*self._found(learner, train), validation)

    def _found(
        self, learner: PolicyTrainer | Mixture, train: list[int]
    ) -> tuple[dict[str, PolicyTrainer], dict[str, Settings]]:
        """Networks and constant settings by name: what was learned, and what is believed now."""
        teacher, count = self.teacher, _CONSTANTS if self.foreseen is None else 1
        usual, careful = teacher.lesson(teacher.usual), teacher.lesson(teacher.careful)
        lessons = {"global": usual, "careful global": careful}
        if self.foreseen is None:  # what a policy fails on is seldom easy
            lessons["hard global"] = teacher.of(self._hard(train)).lesson(teacher.usual)
        constants = {
            f"{name} {rank}": settings
            for name, lesson in lessons.items()
            for rank, settings in enumerate(lesson.constants(count), start=1)
        }
        if isinstance(learner, Mixture):
            return {}, {"mixture": learner.settings(), **constants}
        networks = {
            "policy": learner,
            "distilled policy": usual.network(),
            "careful policy": careful.network(),
        }
        if self.foreseen is not None:
            networks["prior"] = teacher.lesson(believing(self.foreseen)).network()
        return networks, constants

    # --- phase 0 ------------------------------------------------------------------------------

    def reference(self) -> tuple[list[int], list[int]]:
        """Measure the host's own configuration; indices that train, indices that validate."""
        self._enter("reference")
        known = (self.task, self.config, self.evaluator)
        informed = self._expertise is not None and self.task.recorded
        roles = remembered(*known) if informed else measured(*known, self.inputs)
        ids = [each.id for each in self.task.instances]
        self.events.emit(
            "split",
            train=[ids[index] for index in roles.train],
            validation=[ids[index] for index in roles.validation],
            same=roles.train == roles.validation,
            failed={ids[index]: why for index, why in roles.failed.items()},
        )
        return roles.train, roles.validation

    # --- phase 1 ------------------------------------------------------------------------------

    def explore(self, train: list[int]) -> Lesson:
        """Measure the design; what the surrogate then suggests."""
        self._enter("design")
        table, references = self.inputs.table, self.evaluator.references()
        failed = np.flatnonzero(self.evaluator.host_costs() > 0.0).tolist()
        self.difficulty = Difficulty(table, references, self.config.seed, failed)
        self.dataset = Dataset(self.space, self.inputs, self.difficulty.level)
        self.dataset.add([each for each in self._earlier if each.instance in set(train)])
        self.foreseen = foreseen = self._foreseen(failed)
        features, dim, seed = len(self.inputs.varies), self.space.dim, self.config.seed
        self.surrogate = Surrogate(features, dim, seed, foreseen=foreseen or nothing)
        # What is foreseen needs no sampling: more is left to measure what the policy does.
        whole = self.evaluator.left if foreseen else self.config.calls - len(self._earlier)
        count = int(self.config.design_share * whole)
        first = 0 if self._earlier else count // (4 if foreseen else 2)
        counts = (first, count - first)
        measured = (self.surrogate, self.dataset, self.evaluator)
        explore(self.arms, *measured, train, counts, seed, foreseen)
        self._fit()
        known, config = (self.surrogate, self.difficulty), self.config
        self.teacher = Teacher(
            self.arms, self.inputs, *known, train, config.pessimism, seed, self.events
        )
        return self.teacher.lesson(self.teacher.usual)

    def _foreseen(self, failed: Sequence[int]) -> Foreseen | None:
        """What the prior foresees, where it is asked."""
        if self._expertise is None:
            return None
        told = self.evaluator.references()
        answered = {index: taken for index, taken in told.items() if index not in failed}
        share = float(np.median([each.setup_share for each in self.task.instances]))
        known = (self.space, self.inputs, self.difficulty)
        serves = float(np.median([_SERVES if each.drift else 1 for each in self.task.instances]))
        return Foreseen.of(self._expertise, *known, answered, share, serves)

    def _fit(self) -> None:
        loss = self.surrogate.fit(self.dataset.matches(), steps=60)
        self.events.emit("surrogate", loss=loss, noise=self.surrogate.noise)

    # --- phase 2 ------------------------------------------------------------------------------

    def _perturb(self, learner: Learner, train: list[int], validating: int) -> None:
        share = self.config.selection_share * (self.config.calls - len(self._earlier))
        least, most = (calls * validating for calls in _VALIDATION_CALLS)
        keep = int(np.clip(share, least, most))
        perturber = Perturber(self.config, learner, self.dataset, self.evaluator)
        self.events.emit("epsilon", noise=perturber.noise, epsilon=perturber.epsilon)
        rng = np.random.default_rng([self.config.seed, 3])
        self._enter("trial")
        perturber.plan = choose(self.config, perturber, train, self.evaluator.left - keep)
        self._gradient = asdict(perturber.plan)
        self.events.emit("gradient", **self._gradient)
        self._enter("perturbation")
        numbers = self.arms.mask[learner.kept.tolist()].sum(axis=1)
        per_instance = perturber.plan.calls(int(numbers.max()))
        automatic = int(np.clip((self.evaluator.left - keep) // (20 * per_instance), 1, 8))
        batch = self.config.batch or automatic
        number, queue = 0, list[int]()
        while self.evaluator.left - keep >= batch * per_instance:
            while len(queue) < batch:
                queue += [int(index) for index in rng.permutation(train)]
            taken, queue = queue[:batch], queue[batch:]
            diagnostics = perturber.step(number, taken)
            number += 1
            self.events.emit("step", step=number, calls=self.evaluator.calls, **diagnostics)

    # --- phase 3 ------------------------------------------------------------------------------

    def _select(
        self,
        networks: Mapping[str, PolicyTrainer],
        constants: Mapping[str, Settings],
        validation: list[int],
    ) -> Trained:
        self._enter("selection")
        # The simpler come first: ties go to the earlier.
        candidates = [Candidate("host default", self._constant("default", self.space.defaults()))]
        for name, settings in constants.items():
            candidates.append(Candidate(name, self._constant("global", settings)))
        inputs, host, seed = self.inputs, self.evaluator.host_costs(), self.config.seed
        for name, policy in networks.items():
            net = policy.model
            known = self.surrogate, self.difficulty, self.space
            expects = Expectation(net, *known, inputs, host, seed)
            model = Model("policy", self.space, self.inputs.standardisation, net.layers())
            candidates.append(Candidate(name, model, expects))
        usual = float(np.median(list(self.evaluator.references().values())))
        risk = Risk(self.config.risk, usual)
        winner, verdicts = select(candidates, self.evaluator, validation, risk)
        self.evaluator.losses.check_all()
        self._enter("done")
        told = {name: verdict.to_dict() for name, verdict in verdicts.items()}
        self.events.emit("selected", winner=winner.name, verdicts=told, calls=self.evaluator.calls)
        model = self._finished(winner.model, validation=told, winner=winner.name)
        return Trained(model, self.surrogate.arrays(), verdicts)

    def _hard(self, train: list[int]) -> list[int]:
        """The half of them on which the host takes longest."""
        ordered = sorted(train, key=lambda index: (self.evaluator.reference(index), index))
        return sorted(ordered[len(ordered) // 2 :])

    # --- shared -------------------------------------------------------------------------------

    def _constant(self, kind: str, settings: Settings) -> Model:
        layers = constant_layers(len(self.inputs.varies), self.space.to_vector(settings))
        return Model(kind, self.space, self.inputs.standardisation, layers)

    def _finished(self, model: Model, **info: Any) -> Model:
        known = list(self.evaluator.host)
        seconds = [self.evaluator.host_seconds(each) for each in known]
        b, w = expected_seconds(self.inputs.table[known], seconds)
        return replace(model, info=info | {
            "measure": self.config.measure,
            "cap": self.config.cap,
            "seed": self.config.seed,
            "gradient": self._gradient,
            "trained_on": [self.task.instances[each].id for each in known],
            "calls": {"train": self.evaluator.calls, **self._by_phase},
            "solver_seconds": self.evaluator.seconds,
            "expected": [b, *w.tolist()],
        })  # fmt: skip

    def _enter(self, phase: str) -> None:
        self._phase = phase
        self.events.emit("phase", phase=phase, calls=self.evaluator.calls)
        self.events.flush()

    def _progress(self, calls: int) -> None:
        others = sum(n for phase, n in self._by_phase.items() if phase != self._phase)
        self._by_phase[self._phase] = calls - others
        self._on_progress(calls)
