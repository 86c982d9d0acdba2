"""`Arms`: the joint assignments of a space's discrete settings, as tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.model.matches import as_tensor
from metasolve.solve.solver import Value
from metasolve.space import Choice, Space

Tensor = torch.Tensor
_NEVER = -1e9


class Arms:
    """Arms of a space: how each is encoded, which numbers belong to it, how likely z makes it.

    A choice is drawn from the softmax of its coordinates, a flag from the logistic function of
    its own; an arm is as likely as its choices and flags together. What is deployed is the most
    likely value of each.

    Parameters
    ----------
    space : the whole space.

    Attributes
    ----------
    onehot : (arms, dim), what `Space.encode` gives for the discrete settings of each arm.
    mask : (arms, dim), 1 at the numeric coordinates active in each arm.
    usual : (arms, dim), coordinates of each arm with every number at its default.
    general : (arms,), whether any operator may be solved with it, not symmetric ones only.
    instead : (arms,), index of the arm that a constant of each becomes on other operators.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.arms = space.arms()
        self.count = len(self.arms)
        written = [space.to_vector(arm) for arm in self.arms]
        self.usual = np.array(written).reshape(self.count, space.dim)
        encoded = np.array([space.encode(arm) for arm in self.arms]).reshape(self.count, space.dim)
        active = np.array([space.active(arm) for arm in self.arms]).reshape(self.count, space.dim)
        self.mask = (active & space.continuous).astype(float)
        self.onehot = np.where(space.continuous, 0.0, encoded)
        self.general = np.array([self._is_general(arm) for arm in self.arms], dtype=bool)
        self.instead = np.array([self._instead(arm) for arm in self.arms], dtype=int)
        self._needy = torch.as_tensor(~space.general)
        self.rows: list[tuple[str, str | bool]] = [
            (setting.name, value) for setting in space.discrete for value in setting.values
        ]
        self._members = as_tensor(
            [[float(arm.get(name) == value) for name, value in self.rows] for arm in self.arms]
        ).view(self.count, len(self.rows))
        self.onehot_t, self.mask_t = as_tensor(self.onehot), as_tensor(self.mask)

    def _is_general(self, arm: dict[str, str | bool]) -> bool:
        words = ((self.space[name], value) for name, value in arm.items())
        return not any(isinstance(s, Choice) and value in s.symmetric for s, value in words)

    def _instead(self, arm: dict[str, str | bool]) -> int:
        settings = self.space.to_settings(self.space.to_vector(arm), symmetric=False)
        return self.space.arm_of(settings)

    def decided(
        self, numbers: NDArray[np.float64], symmetric: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """What constants of every arm are on each instance, encoded, (instances, arms, dim).

        Parameters
        ----------
        numbers : (arms, dim) numeric coordinates.
        symmetric : (instances,) where not, an arm that needs it gives way, as in production.
        """
        numbers = np.where(self.mask > 0, numbers, self.usual)
        one = self.onehot + self.mask * numbers
        other = self.onehot[self.instead] + self.mask[self.instead] * numbers
        return np.where(symmetric[:, None, None], one, other)

    def log_probability(self, z: Tensor, symmetric: Tensor) -> Tensor:
        """Log-probability of each arm, (n, arms), at coordinates z (n, dim).

        Parameters
        ----------
        symmetric : (n,) bool; where it is not so, words that need it have no probability.
        """
        z = torch.where(~symmetric.unsqueeze(1) & self._needy, _NEVER, z)
        parts = []
        for setting in self.space.discrete:
            logits = z[:, self.space.block(setting.name)]
            if isinstance(setting, Choice):
                parts.append(torch.log_softmax(logits, dim=1))
            else:
                parts.append(torch.nn.functional.logsigmoid(torch.cat([-logits, logits], dim=1)))
        if not parts:
            return torch.zeros(len(z), self.count)
        return torch.cat(parts, dim=1) @ self._members.T

    def encode(self, z: Tensor, chosen: Tensor) -> Tensor:
        """Encoded settings (n, chosen, dim) of the chosen arms with the numbers of z (n, dim)."""
        return self.onehot_t[chosen] + self.mask_t[chosen] * z.unsqueeze(1)

    def settings(self, arm: int, numbers: NDArray[np.float64]) -> dict[str, Value]:
        """Settings of an arm with numeric coordinates `numbers` (dim,)."""
        z = self.space.to_vector(self.arms[arm])
        return self.space.to_settings(np.where(self.mask[arm] > 0, numbers, z))

    def defaults(self, arm: int) -> NDArray[np.float64]:
        """Coordinates (dim,) of an arm with every number at its default."""
        numbers: NDArray[np.float64] = self.usual[arm]
        return numbers

    def prior(self) -> NDArray[np.float64]:
        """Probability of each arm when every choice and flag is drawn uniformly, (arms,)."""
        sizes = {s.name: len(s.values) for s in self.space.discrete}
        return np.array([np.prod([1.0 / sizes[name] for name in arm]) for arm in self.arms])


def shortlist(best: NDArray[np.float64], within: float, most: int) -> Sequence[int]:
    """Arms worth keeping: within a margin of the best on at least one instance.

    Parameters
    ----------
    best : (instances, arms), the cost each arm can reach on each instance.
    within : margin in cost (log ratio).
    most : at most so many, those with the lowest total shortfall first.
    """
    gap = best - best.min(axis=1, keepdims=True)
    # An arm is worth what is lost without it: its best instance first, its average second.
    rank = gap.min(axis=0) + 0.1 * gap.mean(axis=0)
    order = np.argsort(rank, kind="stable")
    kept = [int(arm) for arm in order if gap[:, arm].min() <= within]
    return sorted(kept[:most])
