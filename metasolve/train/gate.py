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

_LEAST_GAIN = 0.15  # log of the time ratio: less is within what a prediction can be wrong by
_DOUBT = 1.0  # standard deviations of the surrogate's prediction added to its mean
_RIDGE = 1e-3
_DRAWS = 20  # per instance
_JITTER = 0.15  # standard deviations by which features are moved


@torch.no_grad()
def gated(
    model: MetaModel,
    surrogate: Surrogate,
    arms: Arms,
    inputs: np.ndarray,
    seed: int,
) -> tuple[Layer, ...]:
    """Layers of the policy with one more output, positive where it leaves the host alone.

    The output is the expected cost of its choice plus the least gain asked for: a ridge regression
    on the last hidden layer of the surrogate's pessimistic cost, at the instances and near them.

    Parameters
    ----------
    inputs : (instances, features), standardised.
    """
    rng = np.random.default_rng([seed, 5])
    layers = model.layers()
    varies = inputs.std(axis=0) > 0
    near = np.repeat(inputs, _DRAWS, axis=0)
    x = np.concatenate([inputs, near + _JITTER * varies * rng.standard_normal(near.shape)])
    hidden = x
    for layer in layers[:-1]:
        hidden = np.tanh(hidden @ layer.weights.T + layer.bias)
    z = hidden @ layers[-1].weights.T + layers[-1].bias
    chosen = [arms.space.encode(arms.space.to_settings(each)) for each in z]
    one = as_tensor(np.array(chosen)).unsqueeze(1)
    cost = surrogate.every_arm(as_tensor(x), one, _DOUBT).numpy()[:, 0].astype(float)
    weights, bias = _ridge(hidden, cost + _LEAST_GAIN)
    last = layers[-1]
    wider = Layer(np.vstack([last.weights, weights]), np.append(last.bias, bias), last.activation)
    return (*layers[:-1], wider)


def _ridge(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights (features,) and intercept of a ridge regression."""
    centre, level = x.mean(axis=0), float(y.mean())
    moved = x - centre
    gram = moved.T @ moved / len(x) + _RIDGE * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, moved.T @ (y - level) / len(x))
    return weights, level - float(centre @ weights)
