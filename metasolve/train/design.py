"""Phase 1: a sampled design. First every corner of the space, then where the surrogate hopes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metasolve.model.matches import as_tensor
from metasolve.model.surrogate import Surrogate
from metasolve.solve.solver import Value
from metasolve.train.arms import Arms
from metasolve.train.dataset import Dataset
from metasolve.train.evaluator import Evaluator
from metasolve.train.foreseen import Foreseen

Asked = list[tuple[int, dict[str, Value]]]
_ROUNDS = 4  # of hope, between which the surrogate is fitted


def explore(
    arms: Arms,
    surrogate: Surrogate,
    dataset: Dataset,
    evaluator: Evaluator,
    instances: Sequence[int],
    counts: tuple[int, int],
    seed: int,
    foreseen: Foreseen | None = None,
) -> None:
    """Measure the design into the dataset.

    Parameters
    ----------
    counts : evaluations spread evenly, or by what is foreseen, then evaluations where the
        surrogate hopes.
    """
    first, hoping = counts
    if foreseen is None:
        asked = stratified(arms, dataset.symmetric, instances, first, seed)
    else:
        asked = promising(foreseen, dataset, instances, first, seed)
    dataset.add(evaluator.measure(asked, "design"))
    for turn in range(_ROUNDS):
        surrogate.fit(dataset.matches(), steps=60 if turn == 0 else 20)
        key = [seed, _ROUNDS * evaluator.calls + turn]
        asked = hopeful(arms, surrogate, dataset, instances, hoping // _ROUNDS, key)
        dataset.add(evaluator.measure(asked, "design"))


def stratified(
    arms: Arms,
    symmetric: NDArray[np.bool_],
    instances: Sequence[int],
    count: int,
    seed: int,
) -> Asked:
    """Settings spread evenly over choices and over instances.

    Arms are drawn in proportion to the product of uniform choices (so that a preconditioner with
    many sub-choices is not tried more often than one without), systematically, not at random.
    The first of each arm has default numbers, later ones alternate with random numbers. Where an
    operator is not `symmetric` (instances,), an arm that needs it gives way to another.
    """
    rng = np.random.default_rng([seed, 1])
    weights = arms.prior()
    marks = (np.arange(count) + rng.uniform()) / count * weights.sum()
    drawn = np.searchsorted(np.cumsum(weights), marks).clip(max=arms.count - 1)
    rng.shuffle(drawn)
    turns = _cycle(instances, count, rng)
    seen: dict[int, int] = {}
    asked: Asked = []
    for index, wanted in zip(turns, (int(a) for a in drawn), strict=True):
        fits = symmetric[index] or arms.general[wanted]
        arm = wanted if fits else int(rng.choice(arms.count, p=_among(weights, arms.general)))
        turn = seen[arm] = seen.get(arm, -1) + 1
        numbers = rng.uniform(-1.0, 1.0, arms.space.dim)
        asked.append((index, arms.settings(arm, arms.defaults(arm) if turn % 3 == 0 else numbers)))
    return asked


def promising(
    foreseen: Foreseen,
    dataset: Dataset,
    instances: Sequence[int],
    count: int,
    seed: int,
) -> Asked:
    """Candidates of the prior: each request minimises one sample of what it foresees."""
    rng = np.random.default_rng([seed, 4])
    special = np.array([place.symmetric for place in foreseen.places])
    asked: Asked = []
    for index in _cycle(instances, count, rng):
        costs = foreseen.draw(dataset.inputs[index][None], rng)
        costs = np.where(special & ~dataset.symmetric[index], np.inf, costs)
        asked.append((index, dict(foreseen.places[int(np.argmin(costs))].settings)))
    return asked


def hopeful(
    arms: Arms,
    surrogate: Surrogate,
    dataset: Dataset,
    instances: Sequence[int],
    count: int,
    key: Sequence[int],
    pool: int = 256,
) -> Asked:
    """Thompson sampling: each request minimises one sample of the posterior on one instance.

    What there is no evidence against is tried; what is known to be bad is not.
    """
    rng = np.random.default_rng([2, *key])
    asked: Asked = []
    draws = max(2, pool // arms.count)
    for index in _cycle(instances, count, rng):
        trial = rng.uniform(-1.0, 1.0, (draws, arms.count, arms.space.dim))
        trial[0] = np.clip(arms.usual, -1, 1)
        encoded = (arms.onehot + arms.mask * trial).reshape(draws * arms.count, -1)
        x = as_tensor(dataset.inputs[index][None])
        costs = surrogate.draw(x, as_tensor(encoded), rng.standard_normal(len(encoded)))
        allowed = np.tile(arms.general | dataset.symmetric[index], draws)
        costs = np.where(allowed, costs, np.inf)
        draw, arm = divmod(int(np.argmin(costs)), arms.count)
        asked.append((index, arms.settings(arm, trial[draw, arm])))
    return asked


def _among(weights: NDArray[np.float64], kept: NDArray[np.bool_]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = weights * kept / (weights * kept).sum()
    return shares


def _cycle(instances: Sequence[int], count: int, rng: np.random.Generator) -> list[int]:
    """`count` instances, each as often as the others, in random order within each round."""
    turns: list[int] = []
    while len(turns) < count:
        turns += [int(index) for index in rng.permutation(instances)]
    return turns[:count]
