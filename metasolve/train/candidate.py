"""`Candidate`: something that could become the model; `Costs`: what candidates cost there."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metasolve.model.model import LOOKS, Model
from metasolve.solve.outcome import Outcome
from metasolve.solve.solver import Value
from metasolve.train.evaluator import HOST, Evaluator
from metasolve.train.gate import Expectation
from metasolve.train.risk import Risk


@dataclass(frozen=True)
class Candidate:
    """Something that could become the model.

    Attributes
    ----------
    name : such as "policy" or "global".
    model : settings for the features of an instance.
    expectation : what they are expected to cost; none for a constant. A policy is measured
        without a gate, and becomes the model with one, opened as far as it proved right, or
        without where it proved to need none.
    """

    name: str
    model: Model
    expectation: Expectation | None = None

    @property
    def kind(self) -> str:
        """Kind of the model this candidate would become."""
        return self.model.kind

    def changed(self, **changes: Any) -> Candidate:
        """The same with another gate, or another least number of rows."""
        return replace(self, model=replace(self.model, **changes))


@dataclass(frozen=True)
class Verdict:
    """How a candidate did on the validation instances.

    Attributes
    ----------
    cost : mean over instances of the median cost over repeats (log of the time ratio to the host).
    score : what selection minimises: the mean over instances of what costs are felt as.
    speedup : exp(-cost), the geometric mean speed-up over the host.
    worst : largest cost of any instance.
    failures : evaluations that failed where the host did not.
    instances : measured; fewer than the others where it left the race.
    repeats : evaluations per instance.
    """

    cost: float
    score: float
    speedup: float
    worst: float
    failures: int
    instances: int
    repeats: int

    def to_dict(self) -> dict[str, float | None]:
        """Strict JSON: None for what an unmeasured candidate does not have."""
        return {key: value if math.isfinite(value) else None for key, value in vars(self).items()}


class Costs:
    """Outcomes by validation instance and settings; candidates that agree share them."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        evaluator: Evaluator,
        validation: Sequence[int],
        risk: Risk,
    ) -> None:
        self.evaluator, self.risk = evaluator, risk
        self.outcomes: dict[tuple[int, str], list[Outcome]] = {}
        self.validation = validation
        self.chosen = {each.name: self._choices(each) for each in candidates}

    def _choices(self, candidate: Candidate) -> dict[int, dict[str, Value]]:
        if candidate.kind == "default":
            return {index: dict(HOST) for index in self.validation}
        return {index: candidate.model.choice(self.features(index)) for index in self.validation}

    def features(self, index: int) -> Mapping[str, float]:
        """Of an instance."""
        return self.evaluator.instances[index].features

    # --- measuring ----------------------------------------------------------------------------

    def round(
        self, playing: Sequence[Candidate], instances: Sequence[int], again: bool
    ) -> list[tuple[int, dict[str, Value]]]:
        """What has to be solved for every candidate to be measured once on every instance."""
        asked: list[tuple[int, dict[str, Value]]] = []
        for index in instances:
            wanted = [self.chosen[each.name][index] for each in playing]
            different = {_key(index, each): each for each in wanted}
            if again and different and self.evaluator.cost.measure == "seconds":
                asked.append((index, dict(HOST)))
            asked += [(index, each) for each in different.values()]
        return asked

    def measure(self, asked: Sequence[tuple[int, dict[str, Value]]]) -> None:
        """Solve, and remember."""
        for result in self.evaluator.measure(asked, "selection"):  # the budget may end before
            if result.settings != HOST:
                key = _key(result.instance, result.settings)
                self.outcomes.setdefault(key, []).append(result.outcome)

    # --- what it costs ------------------------------------------------------------------------

    def each(self, candidate: Candidate) -> dict[int, float]:
        """Median cost by instance, relative to the host as known by now; of those measured."""
        costs = {index: self._cost(candidate, index) for index in self.validation}
        return {index: cost for index, cost in costs.items() if cost is not None}

    def _cost(self, candidate: Candidate, index: int) -> float | None:
        model, features = candidate.model, self.features(index)
        if candidate.kind == "default":
            return self.evaluator.host_cost(index)
        if model.too_small(features):
            look = LOOKS * model.look if model.gate else 0.0
            late = self._watched(candidate, index, look) if look else None
            return self.evaluator.host_cost(index) if late is None else late
        if model.expects_loss(features):
            return self._watched(candidate, index)
        return self._measured(candidate, index)

    def _measured(self, candidate: Candidate, index: int) -> float | None:
        outcomes = self._outcomes(index, self.chosen[candidate.name][index])
        costs = [self._rescued(candidate.model, index, outcome) for outcome in outcomes]
        return float(np.median(costs)) if costs else None

    def _outcomes(self, index: int, settings: Mapping[str, Value]) -> Sequence[Outcome]:
        return self.outcomes.get(_key(index, settings), ())

    def _rescued(self, model: Model, index: int, outcome: Outcome) -> float:
        """Cost of an outcome; of a failure that production sees, with what follows there.

        That is the second choice, as far as it was measured, and where it fails, too, the host's
        own settings, if these answer: time is lost then, not the answer.
        """
        evaluator, cost = self.evaluator, self.evaluator.cost_of(index, outcome)
        seen = outcome.reason in evaluator.made_good and not outcome.lost
        spent = self._ratio(index, outcome) + math.expm1(evaluator.decision_cost(index))
        if outcome.ok or not seen or not math.isfinite(spent):
            return cost
        second = model.second_choice(self.features(index))
        others = self._outcomes(index, second) if second else ()
        if others:
            spent += float(np.median([self._ratio(index, each) for each in others]))
        if others and all(each.ok for each in others):
            return math.log(spent)
        return min(cost, math.log1p(spent)) if evaluator.host_cost(index) == 0.0 else cost

    def _ratio(self, index: int, outcome: Outcome) -> float:
        """What an outcome took, right or wrong, over what the host takes."""
        instance = self.evaluator.instances[index]
        return self.evaluator.cost.quantity(outcome, instance) / self.evaluator.reference(index)

    def _watched(self, candidate: Candidate, index: int, look: float = 0.0) -> float | None:
        model = candidate.model
        inputs = model.inputs(self.features(index))
        patience = model.gate.patience_seconds(inputs) if model.gate is not None else 0.0
        return self.evaluator.watched(index, self._measured(candidate, index), patience, look)

    def felt(self, candidate: Candidate) -> dict[int, float]:
        """What its costs are felt as, where they were measured."""
        host = self.evaluator.host_cost
        return {i: host(i) + self.loss(i, cost) for i, cost in self.each(candidate).items()}

    def loss(self, index: int, cost: float) -> float:
        """What a cost above the host's is felt as: itself where the host fails, too."""
        host = self.evaluator.host_cost(index)
        if host > 0.0:
            return cost - host
        return float(self.risk.loss(np.array(cost), np.array(self.evaluator.reference(index))))

    def above_host(self, costs: Mapping[int, float]) -> NDArray[np.float64]:
        """Costs by instance minus those of the host, (instances,)."""
        return np.array([cost - self.evaluator.host_cost(index) for index, cost in costs.items()])

    def verdict(self, candidate: Candidate) -> Verdict:
        """Verdict on a candidate; an unmeasured one costs infinitely much."""
        costs, model = self.each(candidate), candidate.model
        if not costs:
            return Verdict(math.inf, math.inf, 0.0, math.inf, 0, 0, 0)
        used = [index for index in costs if model.settings(self.features(index))]
        measured = {i: self.outcomes[_key(i, self.chosen[candidate.name][i])] for i in used}
        failures = sum(
            not outcome.ok
            for index, outcomes in measured.items()
            for outcome in outcomes
            if self.evaluator.host_cost(index) == 0.0
        )
        each, felt = list(costs.values()), list(self.felt(candidate).values())
        mean, repeats = float(np.mean(each)), min(map(len, measured.values()), default=0)
        known = float(np.mean(felt)), math.exp(-mean), max(each), failures, len(each), repeats
        return Verdict(mean, *known)


def _key(index: int, settings: Mapping[str, Value]) -> tuple[int, str]:
    return index, json.dumps(settings, sort_keys=True)
