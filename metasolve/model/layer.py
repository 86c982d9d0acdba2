"""`Layer`: one dense layer of a network; numpy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Activation = Literal["tanh", "relu", "linear"]
ACTIVATIONS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0.0),
    "linear": lambda x: x,
}


@dataclass(frozen=True)
class Layer:
    """One dense layer: activation(weights @ x + bias), weights of shape (out, in)."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    activation: str = "linear"

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Output (out,) at input x (in,)."""
        return ACTIVATIONS[self.activation](self.weights @ x + self.bias)


def forward(layers: Sequence[Layer], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Output (out,) of a network at input x (in,)."""
    for layer in layers:
        x = layer(x)
    return x


def constant_layers(features: int, z: NDArray[np.float64]) -> tuple[Layer, ...]:
    """A network that ignores its features and always returns z, shape (dim,)."""
    z = np.asarray(z, dtype=float)
    return (Layer(np.zeros((len(z), features)), z, "linear"),)
