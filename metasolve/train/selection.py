"""Phase 3: candidates meet on validation instances; the best of them becomes the model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student_t

from metasolve.model.model import Model
from metasolve.model.surrogate import squash
from metasolve.outcome import Outcome
from metasolve.solver import Value
from metasolve.train.evaluator import HOST, Evaluator
from metasolve.train.gate import Expectation, reach
from metasolve.train.risk import CHANCE, MATERIAL, loss

_REPEATS = 4  # of the whole race, where seconds count


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


@dataclass(frozen=True)
class Verdict:
    """How a candidate did on the validation instances.

    Attributes
    ----------
    cost : mean over instances of the median cost over repeats (log of the time ratio to the host).
    score : what selection minimises: the mean over instances of `risk.loss`, which abhors risk.
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


def select(
    candidates: Sequence[Candidate], evaluator: Evaluator, validation: Sequence[int]
) -> tuple[Candidate, dict[str, Verdict]]:
    """Race candidates, dropping hopeless ones, until the budget is used.

    Those still in play solve some of the instances, one candidate after the other per instance, so
    that a drift of the machine hits all alike; whoever then trails by more than the measurements
    can explain leaves, and the next instances follow (a race: Maron & Moore, 1994). Where seconds
    count, the instances are solved again and again, by the host, too, to know the best ones better.
    The host's own configuration always stays a candidate, with the cost it has by definition.

    Returns
    -------
    winner, verdicts
        The candidate with the least score of those that solved all, ties to the earlier one;
        verdicts of all by name.
    """
    costs = _Costs(candidates, evaluator, validation)
    playing = [each for each in candidates if each.kind != "default"]
    for some in _blocks(validation):
        through = {each.name for each in playing}
        costs.measure(costs.round(playing, some, again=False))
        playing = costs.still_playing(playing)
    for _ in range(_REPEATS if evaluator.cost.measure == "seconds" else 0):
        asked = costs.round(playing, validation, again=True)
        if len(asked) > evaluator.left:
            break
        costs.measure(asked)
        playing = costs.still_playing(playing)
    finished = [
        costs.finished(each)
        for each in candidates
        if each.name in through or each.kind == "default"
    ]
    verdicts = {each.name: costs.verdict(each) for each in candidates}
    winner = min(finished, key=lambda each: verdicts[each.name].score)
    return winner, verdicts


def _blocks(validation: Sequence[int]) -> list[Sequence[int]]:
    """The instances in parts between which candidates may leave: four, or fewer of five or more."""
    parts = max(1, min(4, len(validation) // 5))
    return [validation[start::parts] for start in range(parts)]


class _Costs:
    """Outcomes by validation instance and settings; candidates that agree share them."""

    def __init__(
        self, candidates: Sequence[Candidate], evaluator: Evaluator, validation: Sequence[int]
    ) -> None:
        self.evaluator = evaluator
        self.outcomes: dict[tuple[int, str], list[Outcome]] = {}
        self.validation = validation
        self.chosen = {each.name: self._choices(each) for each in candidates}

    def _choices(self, candidate: Candidate) -> dict[int, dict[str, Value]]:
        settings = candidate.model.settings
        return {index: settings(self._features(index)) for index in self.validation}

    def _features(self, index: int) -> Mapping[str, float]:
        return self.evaluator.instances[index].features

    def round(
        self, playing: Sequence[Candidate], instances: Sequence[int], again: bool
    ) -> list[tuple[int, dict[str, Value]]]:
        """What has to be solved for every candidate to be measured once on every instance."""
        asked: list[tuple[int, dict[str, Value]]] = []
        for index in instances:
            wanted = [self.chosen[each.name][index] for each in playing]
            different = {_key(index, each): each for each in wanted if each != HOST}
            if again and different and self.evaluator.cost.measure == "seconds":
                asked.append((index, dict(HOST)))
            asked += [(index, each) for each in different.values()]
        return asked

    def measure(self, asked: Sequence[tuple[int, dict[str, Value]]]) -> None:
        for result in self.evaluator.measure(asked, "selection"):  # the budget may end before
            if result.settings != HOST:
                key = _key(result.instance, result.settings)
                self.outcomes.setdefault(key, []).append(result.outcome)

    def each(self, candidate: Candidate) -> dict[int, float]:
        """Median cost by instance, relative to the host as known by now."""
        evaluator, costs = self.evaluator, {}
        for index, settings in self.chosen[candidate.name].items():
            outcomes = self.outcomes.get(_key(index, settings), ())
            if settings == HOST:
                asks = candidate.kind != "default"
                costs[index] = evaluator.host_cost(index) + asks * evaluator.decision_cost(index)
            elif outcomes:
                costs[index] = float(np.median([evaluator.cost_of(index, o) for o in outcomes]))
        return costs

    def still_playing(self, playing: Sequence[Candidate]) -> list[Candidate]:
        """Candidates whose paired shortfall to the best may be chance."""
        felt = {each.name: self._felt(each) for each in playing}
        best = min(felt.values(), key=lambda by_index: float(np.mean(list(by_index.values()))))
        kept = []
        for each in playing:
            gaps = [cost - best[index] for index, cost in felt[each.name].items() if index in best]
            if len(gaps) < 2 or np.mean(gaps) <= _uncertainty(gaps) + 1e-12:
                kept.append(each)
        return kept

    def _felt(self, candidate: Candidate) -> dict[int, float]:
        """What its costs are felt as, within bounds; of a policy, as if its gate never erred."""
        felt = {}
        for index, cost in self.each(candidate).items():
            host = self.evaluator.host_cost(index)
            above = float(squash(torch.as_tensor(self._loss(index, cost))))
            if candidate.expectation is not None:
                above = min(above, self.evaluator.decision_cost(index))
            felt[index] = host + above
        return felt

    def _loss(self, index: int, cost: float) -> float:
        """What a cost above the host's is felt as: itself where the host fails, too."""
        host = self.evaluator.host_cost(index)
        return cost - host if host > 0.0 else float(loss(np.array(cost)))

    def finished(self, candidate: Candidate) -> Candidate:
        """The candidate as it would be used: with its gate, where it has one and needs it.

        A gate that costs a tenth or more of the time is left out where k slow-downs in n choices
        say that the next is one with a probability below 5 %, too: (k + ½)/(n + 1), the mean of
        Jeffreys' posterior. What it would have prevented is in the score.
        """
        costs, expectation = self.each(candidate), candidate.expectation
        if expectation is None or not costs:
            return candidate
        above = self._above_host(costs)
        doubt = reach(expectation.errors(list(costs), above))
        gated = replace(candidate, model=replace(candidate.model, gate=expectation.gate(doubt)))
        ungated_choices = self.chosen[candidate.name]
        self.chosen[candidate.name] = self._choices(gated)
        same = {index: cost for index, cost in self.each(gated).items() if index in costs}
        price = float(np.mean(self._above_host(same)) - np.mean(above))
        chance = (np.sum(above > MATERIAL) + 0.5) / (len(above) + 1)
        if chance < CHANCE and price > MATERIAL:
            self.chosen[candidate.name] = ungated_choices
            return candidate
        return gated

    def _above_host(self, costs: Mapping[int, float]) -> NDArray[np.float64]:
        return np.array([cost - self.evaluator.host_cost(index) for index, cost in costs.items()])

    def verdict(self, candidate: Candidate) -> Verdict:
        """Verdict on a candidate; an unmeasured one costs infinitely much."""
        costs = self.each(candidate)
        if not costs:
            return Verdict(math.inf, math.inf, 0.0, math.inf, 0, 0, 0)
        measured = {
            index: self.outcomes.get(_key(index, settings), [])
            for index, settings in self.chosen[candidate.name].items()
            if settings != HOST and index in costs
        }
        failures = sum(
            not outcome.ok
            for index, outcomes in measured.items()
            for outcome in outcomes
            if self.evaluator.host_cost(index) == 0.0
        )
        each = np.array(list(costs.values()))
        mean, above = float(each.mean()), self._above_host(costs)
        felt = np.array([self._loss(index, cost) for index, cost in costs.items()])
        score = float((felt + each - above).mean())
        repeats = min((len(outcomes) for outcomes in measured.values()), default=0)
        worst = float(each.max())
        return Verdict(mean, score, math.exp(-mean), worst, failures, len(costs), repeats)


def _uncertainty(gaps: Sequence[float]) -> float:
    """What their mean exceeds with a probability of 5 % where the true mean is 0."""
    quantile = float(student_t.ppf(0.95, len(gaps) - 1))
    return quantile * float(np.std(gaps, ddof=1)) / math.sqrt(len(gaps))


def _key(index: int, settings: Mapping[str, Value]) -> tuple[int, str]:
    return index, json.dumps(settings, sort_keys=True)
