"""`Difficulty`: how hard instances are for the host, above what a linear rule of the features says.

The cost of settings is relative to the host, whose own time may vary from instance to instance
more, and otherwise, than that of any settings: a factorisation that is nearly exact for some. Each
is easier to learn alone. So the surrogate learns the logarithm of what settings take above the
rule, a Gaussian process of its own what the host takes; their difference is the cost. The host's
knows no rule: a straight line through the hard instances runs far off the easy ones, which are
those that settings can slow down (on 300 unseen convection-diffusion systems the largest error
at 8 iterations or fewer was 0.7 above the rule and 0.2 without).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.model.gate import Bells
from metasolve.model.matches import Matches, as_tensor
from metasolve.model.surrogate import Surrogate
from metasolve.train.inputs import linear_rule

Array = NDArray[np.float64]
Tensor = torch.Tensor
_STEPS = 150  # of Adam
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
        self._rule = linear_rule(inputs[answered], logs[answered])[:2]
        self.level = np.zeros(len(inputs))
        self.level[known] = logs[known] - self._above(inputs[known])
        varies = np.ptp(inputs, axis=0) > 0
        self._features = torch.as_tensor(np.flatnonzero(varies))
        self._host = Surrogate(int(varies.sum()), 0, seed, _CENTRES, straight=False)
        self._mean = float(logs[answered].mean())
        x, level = as_tensor(inputs[answered])[:, self._features], logs[answered] - self._mean
        data = Matches(x, x[:, :0], torch.as_tensor(answered), as_tensor(level))
        self._host.fit(data, steps=_STEPS)

    def _above(self, x: Array) -> Array:
        b, w = self._rule
        return b + x @ w

    def host(self) -> Bells:
        """Log of what the host takes, at standardised features."""
        bells = self._host.bells(self._features.numpy())
        return replace(bells, level=bells.level + self._mean)

    @torch.no_grad()
    def taken(self, surrogate: Surrogate, x: Array, s: Array) -> tuple[Array, Array, Array]:
        """Log of what settings take (n,), what one measurement of it strays (n,), and of the cost.

        Standard deviations: the last (n,) is of what settings take, of what the host takes, and of
        both measurements.

        Parameters
        ----------
        surrogate : of what settings take, above the rule.
        x, s : (n, features) standardised features and (n, dim) encoded settings.
        """
        features, settings = as_tensor(x), as_tensor(s)
        mean, spread = surrogate.mean_and_spread(features, settings)
        strays = surrogate.straying(spread)
        every = mean, strays, torch.hypot(strays, self.of_host(features)[1])
        above, doubt, all_doubts = (each.numpy().astype(float) for each in every)
        return above + self._above(x), doubt, all_doubts

    def cost(self, surrogate: Surrogate, x: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (n,) of a measured cost, differentiable in s: see `taken`.

        There may be fewer features (m, features): each row stands for n/m settings.
        """
        host, strays = self.of_host(x)
        often = len(s) // len(x)
        above = (self.rule(x) - host).repeat_interleave(often)
        strays = strays.repeat_interleave(often)
        mean, spread = surrogate.mean_and_spread(x, s)
        return mean + above, torch.hypot(surrogate.straying(spread), strays)

    def rule(self, x: Tensor) -> Tensor:
        """What the linear rule says (n,) of features x (n, features)."""
        b, w = self._rule
        return b + x @ as_tensor(w)

    @torch.no_grad()
    def of_host(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Log of what the host takes, and what that strays, both (n,)."""
        known = x[:, self._features]
        mean, spread = self._host.mean_and_spread(known, known[:, :0])
        return mean + self._mean, self._host.straying(spread)
