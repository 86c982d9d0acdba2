"""Phase 3: candidates meet on validation instances; the best of them becomes the model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.special import stdtrit

from metasolve.model.squash import squash
from metasolve.train.candidate import Candidate, Costs, Verdict
from metasolve.train.evaluator import Evaluator
from metasolve.train.finish import finished, second_choice
from metasolve.train.risk import Risk

_REPEATS = 4  # of the whole race, where seconds count


def select(
    candidates: Sequence[Candidate], evaluator: Evaluator, validation: Sequence[int], risk: Risk
) -> tuple[Candidate, dict[str, Verdict]]:
    """Race candidates, dropping hopeless ones, until the budget is used.

    Those still in play solve some of the instances, one candidate after the other per instance, so
    that a drift of the machine hits all alike; whoever then trails by more than the measurements
    can explain leaves, and the next instances follow (a race: Maron & Moore, 1994). So do the last
    where the budget would not bring all of those left to the end. Where seconds count, the
    instances are solved again and again, by the host, too, to know the best ones better.
    The host's own configuration always stays a candidate, with the cost it has by definition.

    Returns
    -------
    winner, verdicts
        The candidate with the least score of those that solved all, ties to the earlier one;
        verdicts of all by name.
    """
    costs = Costs(candidates, evaluator, validation, risk)
    playing = [each for each in candidates if each.kind != "default"]
    blocks = _blocks(validation)
    for number, some in enumerate(blocks, 1):
        through = {each.name for each in playing}
        costs.measure(costs.round(playing, some, again=False))
        playing = _still_playing(playing, costs)
        playing = _affordable(playing, costs, sum(map(len, blocks[number:])))
    for _ in range(_REPEATS if evaluator.cost.measure == "seconds" else 0):
        asked = costs.round(playing, validation, again=True)
        if len(asked) > evaluator.left:
            break
        costs.measure(asked)
        playing = _still_playing(playing, costs)
    second = second_choice(candidates, costs)
    ready = [finished(each, costs, second) for each in candidates]
    verdicts = {each.name: costs.verdict(each) for each in ready}
    eligible = [each for each in ready if each.name in through or each.kind == "default"]
    winner = min(eligible, key=lambda each: verdicts[each.name].score)
    return winner, verdicts


def _blocks(validation: Sequence[int]) -> list[Sequence[int]]:
    """The instances in parts between which candidates may leave: four, or fewer of five or more."""
    parts = max(1, min(4, len(validation) // 5))
    return [validation[start::parts] for start in range(parts)]


def _still_playing(playing: Sequence[Candidate], costs: Costs) -> list[Candidate]:
    """Candidates whose paired shortfall to the best may be chance."""
    felt = {each.name: _hoped(each, costs) for each in playing}
    measured = [by_index for by_index in felt.values() if by_index]
    if not measured:
        return list(playing)
    best = min(measured, key=lambda by_index: float(np.mean(list(by_index.values()))))
    kept = []
    for each in playing:
        gaps = [cost - best[index] for index, cost in felt[each.name].items() if index in best]
        if len(gaps) < 2 or np.mean(gaps) <= _uncertainty(gaps) + 1e-12:
            kept.append(each)
    return kept


def _affordable(playing: list[Candidate], costs: Costs, instances: int) -> list[Candidate]:
    """As many of the best as the budget brings through so many instances more, in their order.

    Those that nothing is known of come last: the calls were spent before their turn.
    """
    count = max(1, costs.evaluator.left // instances) if instances else len(playing)
    known = {each.name: list(_hoped(each, costs).values()) for each in playing}
    felt = {name: float(np.mean(told)) if told else math.inf for name, told in known.items()}
    best = sorted(felt, key=lambda name: felt[name])[:count]
    return [each for each in playing if each.name in best]


def _hoped(candidate: Candidate, costs: Costs) -> dict[int, float]:
    """What its costs are felt as, within bounds; of a policy, as if its gate never erred."""
    hoped = {}
    for index, cost in costs.each(candidate).items():
        host = costs.evaluator.host_cost(index)
        above = float(squash(torch.as_tensor(costs.loss(index, cost))))
        if candidate.expectation is not None:
            above = min(above, costs.evaluator.decision_cost(index))
        hoped[index] = host + above
    return hoped


def _uncertainty(gaps: Sequence[float]) -> float:
    """What their mean exceeds with a probability of 5 % where the true mean is 0."""
    quantile = float(stdtrit(len(gaps) - 1, 0.95))
    return quantile * float(np.std(gaps, ddof=1)) / math.sqrt(len(gaps))
