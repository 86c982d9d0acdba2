"""`Gate`: what a policy's choice is expected to cost above the host; numpy only, no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasolve.model.layer import Layer, forward

LONGEST = 20.0  # logarithm of seconds, the most the plug-in counts with


@dataclass(frozen=True)
class Bells:
    """The mean of a Gaussian process: a sum of bells in some of the features, each with its length.

    Value at x: level + sum_i weights_i exp(-½ sum_k (x_f(k) / lengths_k - centres_ik)²).

    Attributes
    ----------
    features : (k,) which of the standardised features, f(k).
    lengths : (k,) positive.
    centres : (n, k), in lengths.
    weights : (n,).
    level : far from all centres.
    """

    features: NDArray[np.int_]
    lengths: NDArray[np.float64]
    centres: NDArray[np.float64]
    weights: NDArray[np.float64]
    level: float

    def __call__(self, x: NDArray[np.float64]) -> float:
        """Value at standardised features x (features,)."""
        away = x[self.features] / self.lengths - self.centres
        return self.level + float(self.weights @ np.exp(-0.5 * (away**2).sum(axis=1)))


@dataclass(frozen=True)
class Gate:
    """Leaves to the host what the policy would probably slow down.

    What settings take varies smoothly with the features, and a network learns it. What the host
    takes may have narrow valleys, a factorisation that is nearly exact, which a network of such a
    size fills: the Gaussian process that was measured speaks for itself.

    Attributes
    ----------
    layers : network from standardised features to (2,), logs of seconds or of what else was
        measured: what the policy's choice takes, all doubts included, for the decision; and what it
        takes with the doubts about itself only.
    host : log of what the host takes.
    patience : times the latter that the host's own solve, where it is left alone, may still seem
        to need before it is given up for the policy's choice; 0: any.
    """

    layers: Sequence[Layer]
    host: Bells
    patience: float = 0.0

    def expected(self, x: NDArray[np.float64]) -> float:
        """Expected cost, the log of the ratio to the host's time, at standardised features x."""
        return float(forward(self.layers, x)[0]) - self.host(x)

    def patience_seconds(self, x: NDArray[np.float64]) -> float:
        """What the host's own solve may still seem to need at standardised features x."""
        return self.patience * math.exp(min(float(forward(self.layers, x)[1]), LONGEST))

    def closed(self, x: NDArray[np.float64]) -> bool:
        """Whether the host is left alone at standardised features x."""
        return self.expected(x) > 0.0
