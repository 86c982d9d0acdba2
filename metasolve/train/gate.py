"""The gate: a policy leaves alone what it would probably slow down.

The host's own configuration costs 0 by definition (log of the time ratio), more only where it
fails, so it needs no further solver call to be a choice. A network beside the policy's learns what
the surrogate, with its doubts, expects the policy's choice to cost more than that. How wrong that
is shows on the validation instances: the gate opens where, with errors like those, a slow-down that
a user would notice is improbable.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student_t

from metasolve.model.meta_model import MetaModel
from metasolve.model.model import Layer
from metasolve.model.surrogate import Surrogate, as_tensor
from metasolve.space import Space
from metasolve.train.difficulty import Difficulty
from metasolve.train.policy import JITTER

_MATERIAL = math.log(1.1)  # a slow-down that a user would notice
_RISK = 50.0  # how often such a slow-down counts
_CHANCE = 0.025  # of such a slow-down where the gate only just opens; elsewhere it is less
_PRIOR_SPREAD, _PRIOR_FREEDOM = 0.05, 4  # errors expected, and how many instances that is worth
_DOUBT = 1.0  # standard deviations of the surrogate's prediction added to its mean
_HIDDEN = (32, 32)
_DRAWS = 4000  # features to fit it at: mixtures of two instances, moved a little
_STEPS, _BATCH = 800, 256


def loss(cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a cost above the host's is felt as: itself, a slow-down beyond 1.1 fifty times."""
    return cost + _RISK * np.maximum(cost - _MATERIAL, 0.0)


def threshold(expected: NDArray[np.float64], measured: NDArray[np.float64]) -> float:
    """The largest expected cost at which a slow-down beyond 1.1 has a probability of 2.5 %.

    A few dozen instances do not show how wrong the gate may be on the next thousand. The errors
    where it could open, where no slow-down was expected, are taken to have a normal upper half: its
    spread about the median, with a prior that tells for the first few, makes the next error a
    Student t (Gelman et al., Bayesian Data Analysis, 3.3).

    Parameters
    ----------
    expected, measured : (instances,) what the gate said, and what the policy's choice cost there,
        both above the cost of the host.
    """
    gain = expected < _MATERIAL
    errors = (measured - expected)[gain if gain.any() else ...]
    middle, count = float(np.median(errors)), len(errors)
    above = errors[errors >= middle] - middle
    freedom = _PRIOR_FREEDOM + count - 1
    square = (_PRIOR_FREEDOM * _PRIOR_SPREAD**2 + (count - 1) * np.mean(above**2)) / freedom
    reach = float(student_t.ppf(1.0 - _CHANCE, freedom)) * math.sqrt(square * (1.0 + 1.0 / count))
    return _MATERIAL - middle - reach


def gate(
    model: MetaModel,
    surrogate: Surrogate,
    difficulty: Difficulty,
    space: Space,
    inputs: np.ndarray,
    host: np.ndarray,
    seed: int,
) -> tuple[Layer, ...]:
    """Layers of a network that says what a policy's choice is expected to cost above the host.

    Parameters
    ----------
    model : the policy.
    surrogate, difficulty : what settings take and what the host takes, as far as is known.
    inputs : (instances, features), standardised features to fit at, and between which.
    host : (instances,), what the host's own configuration costs there: 0 where it does not fail.
    """
    # Fitted near the instances only, it was wrong by half as much again between them.
    rng = np.random.default_rng([seed, 5])
    varies = inputs.std(axis=0) > 0
    one, other = rng.integers(len(inputs), size=(2, _DRAWS))
    share = rng.random(_DRAWS)
    mixed = share[:, None] * inputs[one] + (1.0 - share[:, None]) * inputs[other]
    staying = np.concatenate([share * host[one] + (1.0 - share) * host[other], host])
    x = np.concatenate([mixed + JITTER * varies * rng.standard_normal(mixed.shape), inputs])
    chosen = np.array([space.encode(space.to_settings(z)) for z in _outputs(model, x)])
    cost = difficulty.above_host(surrogate, x, chosen, _DOUBT) - staying
    network = MetaModel(x.shape[1], 1, np.array([cost.mean()]), varies, _HIDDEN, seed)
    _fit(network, as_tensor(x), as_tensor(cost), rng)
    return network.layers()


def gated(
    policy: tuple[Layer, ...], gate: tuple[Layer, ...], threshold: float
) -> tuple[Layer, ...]:
    """Layers of the policy with one more output, positive where it leaves the host alone."""
    *inner, last = gate
    shifted = Layer(last.weights, last.bias - threshold, last.activation)
    return tuple(
        _side_by_side(ours, its, first=number == 0)
        for number, (ours, its) in enumerate(zip(policy, [*inner, shifted], strict=True))
    )


@torch.no_grad()
def _outputs(model: MetaModel, x: np.ndarray) -> np.ndarray:
    return model(as_tensor(x)).double().numpy()


def _fit(gate: MetaModel, x: torch.Tensor, cost: torch.Tensor, rng: np.random.Generator) -> None:
    optimiser = torch.optim.AdamW(gate.parameters(), lr=1e-2, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _STEPS)
    for _ in range(_STEPS):
        some = torch.as_tensor(rng.integers(len(x), size=_BATCH))
        loss = (gate(x[some])[:, 0] - cost[some]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


def _side_by_side(ours: Layer, its: Layer, *, first: bool) -> Layer:
    """One layer that does what two do; after the first they do not see each other's input."""
    left = (0, 0) if first else (0, its.weights.shape[1])
    right = (0, 0) if first else (ours.weights.shape[1], 0)
    weights = np.vstack(
        [np.pad(ours.weights, ((0, 0), left)), np.pad(its.weights, ((0, 0), right))]
    )
    return Layer(weights, np.append(ours.bias, its.bias), ours.activation)
