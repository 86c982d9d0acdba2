"""The gate: what a policy expects to gain, so that it leaves alone what it would only slow down.

The host's own configuration costs 0 by definition (log of the time ratio), so it needs no solver
call to be a choice: a policy is used where the surrogate, with its doubts, expects a gain.
"""

from __future__ import annotations

import numpy as np
import torch

from metasolve.model.meta_model import MetaModel
from metasolve.model.model import Layer
from metasolve.model.surrogate import Surrogate, as_tensor
from metasolve.train.arms import Arms
from metasolve.train.policy import JITTER

_LEAST_GAIN = 0.2  # log of the time ratio: less is within what a prediction can be wrong by
_DOUBT = 1.0  # standard deviations of the surrogate's prediction added to its mean
_HIDDEN = (32, 32)
_DRAWS = 4000  # features to fit it at: mixtures of two instances, moved a little
_STEPS = 800


def gated(
    model: MetaModel,
    surrogate: Surrogate,
    arms: Arms,
    inputs: np.ndarray,
    seed: int,
) -> tuple[Layer, ...]:
    """Layers of the policy with one more output, positive where it leaves the host alone.

    The output is the expected cost of its choice plus the least gain asked for: a network of its
    own, beside the policy's, fitted to the surrogate's pessimistic cost at and between instances.

    Parameters
    ----------
    inputs : (instances, features), standardised.
    """
    # Fitted near the instances only, it was wrong by half as much again between them.
    rng = np.random.default_rng([seed, 5])
    varies = inputs.std(axis=0) > 0
    one, other = inputs[rng.integers(len(inputs), size=(2, _DRAWS))]
    share = rng.random((_DRAWS, 1))
    mixed = share * one + (1.0 - share) * other
    x = np.concatenate([mixed + JITTER * varies * rng.standard_normal(mixed.shape), inputs])
    cost = _expected(model, surrogate, arms, x) + _LEAST_GAIN
    gate = MetaModel(x.shape[1], 1, np.array([cost.mean()]), varies, _HIDDEN, seed)
    _fit(gate, as_tensor(x), as_tensor(cost))
    return tuple(
        _side_by_side(ours, its, first=number == 0)
        for number, (ours, its) in enumerate(zip(model.layers(), gate.layers(), strict=True))
    )


@torch.no_grad()
def _expected(model: MetaModel, surrogate: Surrogate, arms: Arms, x: np.ndarray) -> np.ndarray:
    """Pessimistic cost (n,) of what the policy chooses at standardised features x."""
    chosen = [
        arms.space.encode(arms.space.to_settings(z)) for z in model(as_tensor(x)).double().numpy()
    ]
    one = as_tensor(np.array(chosen)).unsqueeze(1)
    return surrogate.every_arm(as_tensor(x), one, _DOUBT).numpy()[:, 0].astype(float)


def _fit(gate: MetaModel, x: torch.Tensor, cost: torch.Tensor) -> None:
    optimiser = torch.optim.AdamW(gate.parameters(), lr=1e-2, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _STEPS)
    for _ in range(_STEPS):
        loss = (gate(x)[:, 0] - cost).square().mean()
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
