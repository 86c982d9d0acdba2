"""`Learner`: what perturbation steps move; `Correction`: what they tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from metasolve.model.surrogate import Surrogate
from metasolve.train.arms import Arms

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Correction:
    """What measurements say about the gradient that the surrogate got wrong.

    Attributes
    ----------
    x : (n, features) standardised features of the measured instances.
    symmetric : (n,) whether their operators are.
    arm : (n,) the arm that was measured.
    chance : (n,) its probability by the learner.
    drawn : (n,) the probability with which it was drawn.
    slope : (n, dim) to be added to the gradient of the arm's cost with respect to its numbers.
    excess : (n,) measured minus predicted cost of the arm.
    """

    x: Tensor
    symmetric: Tensor
    arm: NDArray[np.int64]
    chance: Array
    drawn: Array
    slope: Array
    excess: Array

    @property
    def weight(self) -> Array:
        """Of each measurement in an expectation over the learner's arms, (n,)."""
        weight: Array = self.chance / self.drawn
        return weight


class Learner(Protocol):
    """Chooses arms at random, and their numbers; moved by what was measured around its choices.

    Attributes
    ----------
    arms, surrogate : what can be chosen, what is believed.
    inputs : (instances, features), standardised features.
    kept : the arms in play.
    """

    arms: Arms
    surrogate: Surrogate
    inputs: Tensor
    kept: Tensor

    def symmetric(self, x: Tensor) -> Tensor:
        """Where (n,) an operator with features x (n, features) would be symmetric."""
        ...

    def chances(self, index: int) -> Array:
        """Probability (kept,) of each arm in play on an instance, up to a factor."""
        ...

    def numbers(self, index: int, arm: int) -> Array:
        """Coordinates (dim,) on an instance where an arm is chosen."""
        ...

    def correct(self, correction: Correction) -> float:
        """Move by what was measured; returns the cost that is expected then."""
        ...

    def finish(self) -> None:
        """Settle by all that the surrogate knows in the end; no solver calls."""
        ...
