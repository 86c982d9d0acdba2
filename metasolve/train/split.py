"""Which instances teach, which decide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def spread_out(inputs: NDArray[np.float64], count: int, seed: int) -> list[int]:
    """Indices of `count` rows that cover the rows of `inputs`, each next one farthest from all.

    Parameters
    ----------
    inputs : (instances, features), standardised.
    """
    if count >= len(inputs):
        return list(range(len(inputs)))
    chosen = [int(np.random.default_rng(seed).integers(len(inputs)))]
    distance = np.linalg.norm(inputs - inputs[chosen[0]], axis=1)
    while len(chosen) < count:
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(inputs - inputs[chosen[-1]], axis=1))
    return sorted(chosen)


def split(
    groups: Sequence[str], indices: Sequence[int], seed: int, share: float = 0.25
) -> tuple[list[int], list[int]]:
    """Training and validation indices; instances of one group stay together.

    Parameters
    ----------
    groups : group of every instance (such as the hash of its operator).
    indices : the instances in play.
    share : of the instances that validate, about.

    Returns
    -------
    train, validation
        Both are all of `indices` when there are fewer than four instances or two groups.
    """
    members: dict[str, list[int]] = {}
    for index in indices:
        members.setdefault(groups[index], []).append(index)
    if len(indices) < 4 or len(members) < 2:
        return list(indices), list(indices)
    names = list(members)
    np.random.default_rng(seed).shuffle(names)
    validation: list[int] = []
    wanted = max(1, round(share * len(indices)))
    for name in names[:-1]:  # at least one group is left to learn from
        if len(validation) + len(members[name]) <= wanted:
            validation += members[name]
    if not validation:
        validation = list(members[min(names, key=lambda name: len(members[name]))])
    train = [index for index in indices if index not in set(validation)]
    return train, sorted(validation)
