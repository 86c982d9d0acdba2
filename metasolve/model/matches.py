"""`Matches`: evaluations as tensors, what a surrogate is conditioned on. Needs torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

Tensor = torch.Tensor


@dataclass(frozen=True)
class Matches:
    """What the surrogate is conditioned on.

    Attributes
    ----------
    x : (n, features) standardised features of the instance of each evaluation.
    s : (n, dim) encoded settings, as `Space.encode` gives them.
    instance : (n,) index of the instance, not negative.
    cost : (n,) what to predict: squashed costs, or others of that size.
    """

    x: Tensor
    s: Tensor
    instance: Tensor
    cost: Tensor

    def __len__(self) -> int:
        return len(self.cost)

    def of(self, rows: Tensor | slice) -> Matches:
        """Some of them."""
        return Matches(*(values[rows] for values in vars(self).values()))

    def and_also(self, others: Matches) -> Matches:
        """These, then others."""
        pairs = zip(vars(self).values(), vars(others).values(), strict=True)
        return Matches(*(torch.cat(pair) for pair in pairs))


def some_of(count: int, most: int, seed: int) -> Tensor | slice:
    """Indices of at most so many of `count`, at random, in order."""
    if count <= most:
        return slice(0, count)
    return torch.as_tensor(np.sort(np.random.default_rng(seed).permutation(count)[:most]))


def subset(data: Matches, most: int, seed: int) -> Matches:
    """At most so many, at random, in order."""
    return data.of(some_of(len(data), most, seed))


def as_tensor(values: ArrayLike) -> Tensor:
    """A float32 tensor."""
    return torch.as_tensor(np.asarray(values), dtype=torch.float32)
