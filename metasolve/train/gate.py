"""The gate: a policy leaves alone what it would probably slow down.

The host's own configuration costs 0 by definition (log of the time ratio), more only where it
fails, so it needs no further solver call to be a choice. A network learns what the surrogate, with
its doubts, expects the policy's choice to take; what the host takes is known best by its own
Gaussian process. Both know where they know little, and the validation instances show how far that
can be believed: the gate opens where, with errors like those, more is gained than lost, a slow-down
counting as often as the user says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.model.gate import LONGEST, Gate
from metasolve.model.matches import as_tensor
from metasolve.model.meta_model import MetaModel
from metasolve.model.squash import squash
from metasolve.model.surrogate import Surrogate
from metasolve.optim.adam import Adam
from metasolve.space import Space
from metasolve.space.nearest import encoded_at
from metasolve.train.difficulty import Difficulty
from metasolve.train.inputs import Inputs
from metasolve.train.policy import JITTER
from metasolve.train.risk import Risk

_PRIOR_FREEDOM = 4  # instances that the Gaussian processes' own opinion of their errors is worth
_HIDDEN = (32, 32)
_DRAWS = 8000  # features to fit it at: mixtures of two instances, moved a little
_CLOSE = 0.5  # expected gain below which the decision is close
_STEPS, _BATCH, _RATE = 800, 256, 1e-2
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Errors:
    """Of an expectation, in the standard deviations that it has of itself.

    Attributes
    ----------
    bias : the middle.
    size : standard deviation of the next one about it, on the side of higher costs.
    """

    bias: float
    size: float


def next_error(errors: Array) -> Errors:
    """What the next error will be like.

    A few dozen instances do not show how wrong an expectation may be on the next thousand. The
    upper half of its errors is taken to be normal, with a spread about the median that is 1 if the
    Gaussian processes know how much they do not know; with a prior of that, which tells for the
    first few, the next error is a Student t (Gelman et al., Bayesian Data Analysis, 3.3) with so
    many degrees of freedom that a normal one does.

    Parameters
    ----------
    errors : (instances,) what was measured minus what was expected, in standard deviations.
    """
    middle, count = float(np.median(errors)), len(errors)
    above = errors[errors >= middle] - middle
    freedom = _PRIOR_FREEDOM + count - 1
    square = (_PRIOR_FREEDOM + (count - 1) * np.mean(above**2)) / freedom
    return Errors(middle, math.sqrt(square * (1.0 + 1.0 / count)))


class Expectation:
    """What a policy's choice is expected to cost above the host, near the instances.

    Parameters
    ----------
    model : the policy.
    surrogate, difficulty : what settings take and what the host takes, as far as is known.
    inputs : standardised features to fit at, and between which.
    host : (instances,), what the host's own configuration costs there: 0 where it does not fail.
    """

    def __init__(
        self,
        model: MetaModel,
        surrogate: Surrogate,
        difficulty: Difficulty,
        space: Space,
        inputs: Inputs,
        host: Array,
        seed: int,
    ) -> None:
        self.model, self.space = model, space
        self.surrogate, self.difficulty = surrogate, difficulty
        self.inputs, self.host, self.seed = inputs.table, host, seed
        self._symmetric = inputs.symmetric
        self._known = difficulty.host()

    def taken(self, x: Array) -> tuple[Array, Array, Array]:
        """See `Difficulty.taken`, of what the policy chooses at x (n, features)."""
        encoded = encoded_at(self.space, _outputs(self.model, x), self._symmetric(x))
        return self.difficulty.taken(self.surrogate, x, encoded)

    def errors(self, instances: Sequence[int], measured: Array) -> Array:
        """How much more than expected the choices cost above the host, in standard deviations.

        Those where no gain was expected do not count, if others do: there the gate is closed.
        Neither do those where the host fails, of whose time nothing is known.
        """
        x = self.inputs[list(instances)]
        taken, _, spread = self.taken(x)
        expected = taken - [self._known(each) for each in x]
        seen = squash(torch.as_tensor(measured)).numpy()
        errors: Array = (seen - expected) / spread
        answered = self.host[list(instances)] == 0.0
        for some in (answered & (expected < 0.0), answered):
            if some.any():
                return np.asarray(errors[some])
        return errors

    def gate(self, errors: Errors, risk: Risk) -> Gate:
        """The gate that closes where, with such errors, more is felt to be lost than gained."""
        rng = np.random.default_rng([self.seed, 5])

        def doubted(x: Array) -> Array:
            taken, strays, spread = self.taken(x)
            host = np.exp([min(self._known(each), LONGEST) for each in x])
            worth = risk.even(errors.size * spread, host) - errors.bias * spread
            return np.column_stack([taken - worth, taken + strays])

        cost = doubted(self.inputs)[:, 0] - [self._known(x) for x in self.inputs] - self.host
        x, staying = _between(self.inputs, self.host, np.flatnonzero(cost > -_CLOSE), rng)
        target = doubted(x)
        target[:, 0] -= staying
        varies = self.inputs.std(axis=0) > 0
        network = MetaModel(x.shape[1], 2, target.mean(axis=0), varies, _HIDDEN, self.seed)
        _fit(network, as_tensor(x), as_tensor(target), rng)
        return Gate(network.layers(), self._known)


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
    z: torch.Tensor = model(as_tensor(x))
    return z.double().numpy()


def _fit(gate: MetaModel, x: torch.Tensor, target: torch.Tensor, rng: np.random.Generator) -> None:
    optimiser = Adam(gate.parameters(), weight_decay=1e-3)
    for step in range(_STEPS):
        some = torch.as_tensor(rng.integers(len(x), size=_BATCH))
        loss = (gate(x[some]) - target[some]).square().sum(dim=1).mean()
        optimiser.clear()
        torch.autograd.backward(loss)
        optimiser.step(_RATE * 0.5 * (1.0 + math.cos(math.pi * step / _STEPS)))
