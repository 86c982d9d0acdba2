"""`MetaModel`: the network from features to coordinates that training moves. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.model.layer import Layer


class MetaModel(torch.nn.Module):
    """MLP from standardised features (batch, features) to coordinates z (batch, dim).

    Starts as a constant: the output bias is `start`, the output weights are small. Inputs that
    never varied in training (`varies` False) are disconnected, so a host that later moves one of
    them a little inside its margin does not move the settings.

    Parameters
    ----------
    features, dim : sizes of input and output.
    start : shape (dim,), coordinates the untrained model predicts.
    varies : shape (features,), bool.
    hidden : widths of the tanh layers.
    seed : of the initial weights.
    """

    def __init__(
        self,
        features: int,
        dim: int,
        start: NDArray[np.float64],
        varies: NDArray[np.bool_] | None = None,
        hidden: Sequence[int] = (64, 64),
        seed: int = 0,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        widths = [features, *hidden, dim]
        self.weights = torch.nn.ParameterList()
        self.biases = torch.nn.ParameterList()
        for width, out in pairwise(widths):
            weights = torch.randn(out, width, generator=generator) / max(width, 1) ** 0.5
            self.weights.append(torch.nn.Parameter(weights))
            self.biases.append(torch.nn.Parameter(torch.zeros(out)))
        # Going through torch's own lists takes longer than the products.
        self._pairs = list(zip(self.weights, self.biases, strict=True))
        with torch.no_grad():
            self.weights[-1].mul_(0.05)
            self.biases[-1].copy_(torch.as_tensor(np.asarray(start), dtype=torch.float32))
            if varies is not None:
                self.weights[0].mul_(torch.as_tensor(np.asarray(varies), dtype=torch.float32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Coordinates (batch, dim) at standardised features x (batch, features)."""
        for weights, bias in self._pairs[:-1]:
            x = torch.tanh(torch.addmm(bias, x, weights.T))
        weights, bias = self._pairs[-1]
        return torch.addmm(bias, x, weights.T)

    def layers(self) -> tuple[Layer, ...]:
        """The network as numpy layers (float64), what `Model` and the plug-in evaluate."""
        last = len(self.weights) - 1
        return tuple(
            Layer(
                weights.detach().numpy().astype(float),
                bias.detach().numpy().astype(float),
                "linear" if i == last else "tanh",
            )
            for i, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True))
        )
