"""Score function: the gradient of the expected cost with respect to the logits of choices.

Choices and flags have no derivative; their coordinates parametrise a distribution over arms (joint
assignments, see :meth:`metasolve.space.Space.arms`): softmax for a choice, P(on) = sigmoid(z) for
a flag, independent given their parents. Only settings active in an arm enter its probability, so
that the probabilities of all arms sum to one. What is deployed is the greedy arm: each setting at
its most likely value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metasolve.space import Space

Array = NDArray[np.float64]


def arm_log_probabilities(space: Space, z: ArrayLike) -> Array:
    """Log-probability of each arm.

    Parameters
    ----------
    z
        Vectors (..., dim).

    Returns
    -------
    ndarray
        (..., number of arms); the exponentials sum to one.
    """
    z = np.asarray(z, dtype=np.float64)
    arms = space.arms()
    total = np.zeros((*z.shape[:-1], len(arms)))
    for name, chosen in _choices(space).items():
        logs = _log_softmax(_logits(space, name, z))
        held = np.flatnonzero(chosen >= 0)
        total[..., held] += logs[..., chosen[held]]
    return total


def arm_scores(space: Space, z: ArrayLike) -> Array:
    """Gradient of each arm's log-probability with respect to z.

    Parameters
    ----------
    z
        Vectors (..., dim).

    Returns
    -------
    ndarray
        (..., number of arms, dim); zero on continuous coordinates and on settings that are not
        active in the arm.
    """
    z = np.asarray(z, dtype=np.float64)
    scores = np.zeros((*z.shape[:-1], len(space.arms()), z.shape[-1]))
    for name, chosen in _choices(space).items():
        probabilities = np.exp(_log_softmax(_logits(space, name, z)))
        held = np.flatnonzero(chosen >= 0)
        one_hot = np.eye(probabilities.shape[-1])[chosen[held]]
        slope = one_hot - probabilities[..., None, :]
        # A flag is a softmax over (0, z), whose first logit is not a coordinate.
        block = space.block(name)
        scores[..., held, block] = slope[..., slope.shape[-1] - (block.stop - block.start) :]
    return scores


def score_gradient(
    space: Space, z: ArrayLike, arm: int, cost: float, surrogate_costs: ArrayLike
) -> Array:
    """Gradient of the expected cost on the logits, from one measured arm.

    (c - ĉ[a]) ∇log π(a) + ∇ Σ_b π(b) ĉ[b]: for `arm` drawn from π it is unbiased whatever the
    surrogate, and without variance where the surrogate is exact (REBAR, arXiv 1703.07370; RELAX,
    arXiv 1711.00123).

    Parameters
    ----------
    z
        Vector (dim,).
    arm
        Index a of the arm that was sampled from π(z).
    cost
        Cost c measured for that arm.
    surrogate_costs
        ĉ (number of arms,).

    Returns
    -------
    ndarray
        (dim,), zero on continuous coordinates.
    """
    baseline = np.asarray(surrogate_costs, dtype=np.float64)
    scores = arm_scores(space, z)
    probabilities = np.exp(arm_log_probabilities(space, z))
    gradient: Array = (cost - baseline[arm]) * scores[arm] + (probabilities * baseline) @ scores
    return gradient


def _choices(space: Space) -> dict[str, NDArray[np.intp]]:
    """For each discrete setting, the index of its value in each arm; -1 where it is not active."""
    arms = space.arms()
    return {
        each.name: np.array(
            [each.values.index(arm[each.name]) if each.name in arm else -1 for arm in arms]
        )
        for each in space.discrete
    }


def _logits(space: Space, name: str, z: Array) -> Array:
    block = z[..., space.block(name)]
    if space[name].kind == "flag":
        return np.concatenate([np.zeros_like(block), block], axis=-1)
    return block


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    logs: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logs
