"""Phase 3: candidates meet on validation instances; the best of them becomes the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metasolve.model.model import Model
from metasolve.solver import Value
from metasolve.train.evaluator import HOST, Evaluator


@dataclass(frozen=True)
class Candidate:
    """Something that could become the model.

    Attributes
    ----------
    name : such as "policy" or "global".
    model : settings for the features of an instance.
    """

    name: str
    model: Model

    @property
    def kind(self) -> str:
        """Kind of the model this candidate would become."""
        return self.model.kind


@dataclass(frozen=True)
class Verdict:
    """How a candidate did on the validation instances.

    Attributes
    ----------
    cost : mean over instances of the median cost over repeats (log of the time ratio to the host).
    speedup : exp(-cost), the geometric mean speed-up over the host.
    worst : largest cost of any instance.
    failures : evaluations that failed where the host did not.
    repeats : evaluations per instance.
    """

    cost: float
    speedup: float
    worst: float
    failures: int
    repeats: int

    def to_dict(self) -> dict[str, float | None]:
        """Strict JSON: None for what an unmeasured candidate does not have."""
        return {key: value if math.isfinite(value) else None for key, value in vars(self).items()}


def select(
    candidates: Sequence[Candidate], evaluator: Evaluator, validation: Sequence[int]
) -> tuple[Candidate, dict[str, Verdict]]:
    """Measure candidates side by side in rounds, dropping hopeless ones, until the budget is used.

    In each round every candidate still in play and the host itself solve every instance once, one
    candidate after the other per instance, so that a drift of the machine hits all alike. After
    each round, candidates that trail by more than the measurements can explain leave. The host's
    own configuration always stays a candidate, with the cost it has by definition.

    Returns
    -------
    winner, verdicts
        The candidate with the least mean cost, ties to the earlier one; verdicts by name.
    """
    costs = _Costs(candidates, evaluator, validation)
    playing = [each for each in candidates if each.kind != "default"]
    repeats = 1 if evaluator.cost.measure != "seconds" else 5
    for turn in range(repeats):
        width = len(playing) + 1
        affordable = evaluator.left // width
        if affordable < (len(validation) if turn else 1):
            break
        costs.measure(playing, validation[:affordable], again=turn > 0)
        playing = costs.still_playing(playing)
    verdicts = {each.name: costs.verdict(each) for each in candidates}
    winner = min(candidates, key=lambda each: verdicts[each.name].cost)
    return winner, verdicts


class _Costs:
    """Outcomes of every candidate on every validation instance."""

    def __init__(
        self, candidates: Sequence[Candidate], evaluator: Evaluator, validation: Sequence[int]
    ) -> None:
        self.evaluator = evaluator
        self.outcomes = {each.name: {index: [] for index in validation} for each in candidates}

    def measure(self, playing: Sequence[Candidate], instances: Sequence[int], again: bool) -> None:
        asked: list[tuple[int, dict[str, Value]]] = []
        owners: list[str | None] = []
        for index in instances:
            if again and self.evaluator.cost.measure == "seconds":
                asked.append((index, dict(HOST)))
                owners.append(None)
            features = self.evaluator.instances[index].features
            for each in playing:
                asked.append((index, each.model.settings(features)))
                owners.append(each.name)
        results = self.evaluator.measure(asked, "selection")
        for owner, result in zip(owners, results, strict=False):  # the budget may end before
            if owner is not None:
                self.outcomes[owner][result.instance].append(result.outcome)

    def each(self, candidate: Candidate) -> dict[int, float]:
        """Median cost by instance, relative to the host as known by now."""
        evaluator = self.evaluator
        measured = self.outcomes[candidate.name]
        if candidate.kind == "default":
            return {index: evaluator.host_cost(index) for index in measured}
        return {
            index: float(np.median([evaluator.cost_of(index, outcome) for outcome in outcomes]))
            for index, outcomes in measured.items()
            if outcomes
        }

    def still_playing(self, playing: Sequence[Candidate]) -> list[Candidate]:
        """Candidates whose paired shortfall to the best is within two standard errors."""
        costs = {each.name: self.each(each) for each in playing}
        best = min(costs.values(), key=lambda by_index: float(np.mean(list(by_index.values()))))
        kept = []
        for each in playing:
            gaps = [cost - best[index] for index, cost in costs[each.name].items() if index in best]
            error = float(np.std(gaps)) / math.sqrt(len(gaps)) if gaps else math.inf
            if np.mean(gaps) <= 2.0 * error + 1e-12:
                kept.append(each)
        return kept

    def verdict(self, candidate: Candidate) -> Verdict:
        """Verdict on a candidate; an unmeasured one costs infinitely much."""
        costs = self.each(candidate)
        if not costs:
            return Verdict(math.inf, 0.0, math.inf, 0, 0)
        measured = self.outcomes[candidate.name]
        failures = sum(
            not outcome.ok
            for index, outcomes in measured.items()
            for outcome in outcomes
            if self.evaluator.host_cost(index) == 0.0
        )
        mean = float(np.mean(list(costs.values())))
        repeats = min(len(measured[index]) for index in costs)
        return Verdict(mean, math.exp(-mean), max(costs.values()), failures, repeats)
