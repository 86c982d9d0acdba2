"""A candidate as it would be used: with a second choice, a gate and an eye for small systems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from metasolve.model.model import rows_of
from metasolve.train.candidate import Candidate, Costs
from metasolve.train.gate import next_error
from metasolve.train.risk import CHANCE, MATERIAL

#: Times what the choice takes. Where the validation instances do not tell, the first: three was a
#: good one for workloads where they did. Never to give up, 0, is chosen only where that is better.
_PATIENCE = (3.0, 4.0, 8.0, 2.0, 1.5, 1.0, 0.0)


def finished(
    candidate: Candidate, costs: Costs, second: NDArray[np.float64] | None = None
) -> Candidate:
    """The candidate as it would be used.

    With a second choice where it is a policy, with its gate, and without a look at small systems.
    """
    if candidate.kind == "default" or not costs.each(candidate):
        return candidate
    if candidate.kind == "policy":
        candidate = candidate.changed(second=second)
    return _spared(_gated(candidate, costs), costs)


def second_choice(candidates: Sequence[Candidate], costs: Costs) -> NDArray[np.float64] | None:
    """Coordinates of the constant that is to be tried where a policy's choice fails.

    The best, on average over those on which the host takes longest, half of what all constants were
    measured on; None where that is not faster than the host. One that slows easy systems down may
    have left the race early: that does not matter here.
    """
    constants = [each for each in candidates if each.kind == "global"]
    known = [costs.each(each) for each in constants]
    common = set.intersection(*map(set, known)) if known else set()
    slow_first = sorted(common, key=costs.evaluator.reference, reverse=True)
    hard = slow_first[: (len(common) + 1) // 2]
    if not hard:
        return None
    above = [float(np.mean(costs.above_host({i: each[i] for i in hard}))) for each in known]
    best = int(np.argmin(above))
    features = costs.features(hard[0])  # any: it is a constant
    return constants[best].model.coordinates(features) if above[best] < 0.0 else None


def _gated(candidate: Candidate, costs: Costs) -> Candidate:
    """With its gate, where it has one and needs it.

    A gate that costs a tenth or more of the time is left out where k slow-downs in n choices
    say that the next is one with a probability below 5 %, too: (k + ½)/(n + 1), the mean of
    Jeffreys' posterior. What it would have prevented is in the score.
    """
    each, expectation = costs.each(candidate), candidate.expectation
    if expectation is None:
        return candidate
    above = costs.above_host(each)
    errors = next_error(expectation.errors(list(each), above))
    gated = _patient(candidate.changed(gate=expectation.gate(errors, costs.risk)), costs)
    same = {index: cost for index, cost in costs.each(gated).items() if index in each}
    price = float(np.mean(costs.above_host(same)) - np.mean(above))
    chance = (np.sum(above > MATERIAL) + 0.5) / (len(above) + 1)
    return candidate if chance < CHANCE and price > MATERIAL else gated


def _patient(candidate: Candidate, costs: Costs) -> Candidate:
    """With the patience with the host's own solves that is felt best, where seconds count."""
    gate = candidate.model.gate
    if gate is None or costs.evaluator.cost.measure != "seconds":
        return candidate
    patient = [candidate.changed(gate=replace(gate, patience=p)) for p in _PATIENCE]
    return _best(patient, costs)


def _spared(candidate: Candidate, costs: Costs) -> Candidate:
    """Leaving systems below a size to the host without a look at them, if that is felt best."""
    instances = costs.evaluator.instances
    looks = {rows_of(each.features): each.decision_seconds for each in instances}
    sizes = sorted({rows_of(costs.features(index)) for index in costs.validation} - {0})
    spared = [
        candidate.changed(least_rows=rows + 1, look=max(looks[n] for n in looks if n <= rows))
        for rows in sizes
    ]
    return _best([candidate, *spared], costs)


def _best(candidates: Sequence[Candidate], costs: Costs) -> Candidate:
    """The one that is felt best, ties to the earlier."""
    measured = costs.each(candidates[0]).keys()  # the same for all
    felt = [
        [cost for index, cost in costs.felt(each).items() if index in measured]
        for each in candidates
    ]
    return candidates[int(np.argmin(np.mean(felt, axis=1)))]
