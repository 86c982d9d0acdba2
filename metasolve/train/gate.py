"""The gate: a policy leaves alone what it would probably slow down.

The host's own configuration costs 0 by definition (log of the time ratio), more only where it
fails, so it needs no further solver call to be a choice. A network learns what the surrogate, with
its doubts, expects the policy's choice to take; what the host takes is known best by its own
Gaussian process. How wrong their difference is shows on the validation instances: the gate opens
where, with errors like those, a slow-down that a user would notice is improbable.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student_t

from metasolve.model.gate import Gate
from metasolve.model.meta_model import MetaModel
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
_DRAWS = 8000  # features to fit it at: mixtures of two instances, moved a little
_CLOSE = 0.5  # expected gain below which the decision is close
_STEPS, _BATCH = 2000, 256
Array = NDArray[np.float64]


def loss(cost: Array) -> Array:
    """What a cost above the host's is felt as: itself, a slow-down beyond 1.1 fifty times."""
    return cost + _RISK * np.maximum(cost - _MATERIAL, 0.0)


def threshold(expected: Array, measured: Array) -> float:
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
    inputs: Array,
    host: Array,
    seed: int,
) -> Gate:
    """What a policy's choice is expected to cost above the host, anywhere near the instances.

    Parameters
    ----------
    model : the policy.
    surrogate, difficulty : what settings take and what the host takes, as far as is known.
    inputs : (instances, features), standardised features to fit at, and between which.
    host : (instances,), what the host's own configuration costs there: 0 where it does not fail.
    """
    rng = np.random.default_rng([seed, 5])

    def expected(x: Array) -> Array:
        chosen = np.array([space.encode(space.to_settings(z)) for z in _outputs(model, x)])
        return difficulty.taken(surrogate, x, chosen, _DOUBT)

    known = difficulty.host()
    cost = expected(inputs) - [known(x) for x in inputs] - host
    x, staying = _between(inputs, host, np.flatnonzero(cost > -_CLOSE), rng)
    target = expected(x) - staying
    varies = inputs.std(axis=0) > 0
    network = MetaModel(x.shape[1], 1, np.array([target.mean()]), varies, _HIDDEN, seed)
    _fit(network, as_tensor(x), as_tensor(target), rng)
    return Gate(network.layers(), known)


def _between(
    inputs: Array, host: Array, close: NDArray[np.int_], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Features to fit at and the host's cost there: the instances, and mixtures of two of them.

    Fitted near the instances only, it was wrong by half as much again between them. Half of the
    mixtures begin at an instance where the decision is `close`.
    """
    one, other = rng.integers(len(inputs), size=(2, _DRAWS))
    if len(close):
        one[::2] = rng.choice(close, size=len(one[::2]))
    share = rng.random(_DRAWS)
    mixed = share[:, None] * inputs[one] + (1.0 - share[:, None]) * inputs[other]
    mixed += JITTER * (inputs.std(axis=0) > 0) * rng.standard_normal(mixed.shape)
    staying = share * host[one] + (1.0 - share) * host[other]
    return np.concatenate([mixed, inputs]), np.concatenate([staying, host])


@torch.no_grad()
def _outputs(model: MetaModel, x: Array) -> Array:
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
