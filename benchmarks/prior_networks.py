"""The rival of the forest: an ensemble of small networks, fitted side by side."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from benchmarks.prior_choice import Learner
from benchmarks.prior_table import Array, Table

MEMBERS, HIDDEN, STEPS, RATE = 12, 32, 400, 1e-2
_FAR = 5.0  #: standardised inputs are clipped at


class Networks:
    """Members F-32-32-outputs with tanh; the last layer is linear."""

    def __init__(self, inputs: int, outputs: int, random: torch.Generator) -> None:
        layers = list(pairwise((inputs, HIDDEN, HIDDEN, outputs)))
        self.weights = [
            (torch.randn(MEMBERS, i, o, generator=random) / i**0.5).requires_grad_()
            for i, o in layers
        ]
        self.biases = [torch.zeros(MEMBERS, 1, o, requires_grad=True) for _, o in layers]

    def __call__(self, h: torch.Tensor) -> torch.Tensor:
        """Outputs of each member at its own inputs: (members, N, outputs)."""
        for W, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            h = torch.tanh(torch.baddbmm(b, h, W))
        return torch.baddbmm(self.biases[-1], h, self.weights[-1])

    def fit(self, x: torch.Tensor, y: torch.Tensor, decay: torch.Tensor) -> None:
        """Adam on the mean square, with decoupled weight decay."""
        optimiser = torch.optim.Adam([*self.weights, *self.biases], lr=RATE)
        for _ in range(STEPS):
            optimiser.zero_grad()
            loss = ((self(x) - y) ** 2).mean(dim=(1, 2)).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            with torch.no_grad():
                for W in self.weights:
                    W.mul_(1.0 - RATE * decay)


def networks(decay: tuple[float, float] = (1.0, 10.0), seed: int = 0) -> Learner:
    """An ensemble on bootstraps; weight decays between two, one for each member."""

    def learn(known: Table, Z: Array) -> Array:
        X, Y = known.X, known.Y
        middle, scale = X.mean(axis=0), X.std(axis=0) + 1e-9
        x, z = (_tensor(np.clip((each - middle) / scale, -_FAR, _FAR)) for each in (X, Z))
        flat = Y.reshape(len(Y), -1)
        centre, width = flat.mean(axis=0), flat.std()
        random = torch.Generator().manual_seed(seed)
        members = Networks(x.shape[1], flat.shape[1], random)
        drawn = torch.randint(len(x), (MEMBERS, len(x)), generator=random)
        decays = _tensor(np.geomspace(*decay, MEMBERS))[:, None, None]
        members.fit(x[drawn], _tensor((flat - centre) / width)[drawn], decays)
        with torch.no_grad():
            told = members(z.expand(MEMBERS, *z.shape)).numpy() * width + centre
        return np.asarray(told, dtype=np.float64).reshape(MEMBERS, len(Z), *Y.shape[1:])

    return learn


def _tensor(values: Array) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)
