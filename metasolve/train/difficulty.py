"""`Difficulty`: how hard instances are for the host, above what a linear rule of the features says.

The cost of settings is relative to the host, whose own time may vary from instance to instance
more, and otherwise, than that of any settings: a factorisation that is nearly exact for some. Each
is easier to learn alone. So the surrogate learns the logarithm of what settings take, a Gaussian
process of its own what the host takes, both above the same rule; their difference is the cost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.model.gate import Bells
from metasolve.model.surrogate import Matches, Surrogate, as_tensor
from metasolve.train.inputs import linear_rule

Array = NDArray[np.float64]
_STEPS = 100  # of Adam
_CENTRES = 500  # more would cost the plug-in what a small solve takes


class Difficulty:
    """Difficulty of measured instances, and of others as far as features tell.

    Parameters
    ----------
    inputs : (instances, features), standardised features.
    references : what the host takes, positive, by index of the instances measured.
    seed : of the subset of instances used to fit.
    failed : indices where the host gave no answer: what it took says nothing of others.

    Attributes
    ----------
    level : (instances,), ln of what the host takes minus the rule; 0 where it was not measured.
    """

    def __init__(
        self,
        inputs: Array,
        references: Mapping[int, float],
        seed: int = 0,
        failed: Collection[int] = (),
    ) -> None:
        known = list(references)
        answered = [index for index in known if index not in failed] or known
        logs = np.zeros(len(inputs))
        logs[known] = np.log([references[index] for index in known])
        b, w, _ = linear_rule(inputs[answered], logs[answered])
        self.level = np.zeros(len(inputs))
        self.level[known] = logs[known] - b - inputs[known] @ w
        varies = np.ptp(inputs, axis=0) > 0
        self._features = torch.as_tensor(np.flatnonzero(varies))
        self._host = Surrogate(int(varies.sum()), 0, seed, _CENTRES)
        x, level = as_tensor(inputs[answered])[:, self._features], self.level[answered]
        data = Matches(x, x[:, :0], torch.as_tensor(answered), as_tensor(level))
        self._host.fit(data, steps=_STEPS)

    def host(self) -> Bells:
        """What the host takes at standardised features: log of seconds above the rule."""
        return self._host.bells(self._features.numpy())

    @torch.no_grad()
    def taken(self, surrogate: Surrogate, x: Array, s: Array, doubt: float) -> Array:
        """What settings take (n,): log of seconds above the rule, doubts included.

        Those are `doubt` standard deviations of the difference to what the host takes.

        Parameters
        ----------
        surrogate : of what settings take, above the rule.
        x, s : (n, features) standardised features and (n, dim) encoded settings.
        """
        features, settings = as_tensor(x), as_tensor(s)
        known = features[:, self._features]
        nothing = known[:, :0]
        spread = torch.hypot(
            surrogate.spread(features, settings), self._host.spread(known, nothing)
        )
        return (surrogate.mean(features, settings) + doubt * spread).numpy().astype(float)
