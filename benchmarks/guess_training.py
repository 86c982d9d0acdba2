"""Training a network that predicts coordinates: first on solutions, then on residuals. Needs torch.

Solutions say what to predict; the residual says what a solver will make of it, and is known without
one: ‖b - A V z‖² is a quadratic in z.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import ArrayLike, NDArray

from metasolve.guess.codec import Codec, basis
from metasolve.guess.convolution import POINTS, Coarse, Convolution
from metasolve.guess.predictor import Network, Scaling

Array = NDArray[np.float64]
_BATCH = 64
_LOOK_EVERY = 50


class _Layers(torch.nn.Module):
    """Weights, biases and scalings of a network under training; float64, so that it can be exact.

    Parameters
    ----------
    seen, z
        Training rows, for the scalings: what the network sees, and coordinates.
    shapes
        Of the weights of each layer, outputs first.
    """

    def __init__(
        self, seen: ArrayLike, z: ArrayLike, shapes: Sequence[tuple[int, ...]], seed: int
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = Scaling.fit(seen), Scaling.fit(z)
        self.size, self.mean = (
            torch.as_tensor(each) for each in (self.outputs.spread, self.outputs.mean)
        )
        generator = torch.Generator().manual_seed(seed)
        self.weights, self.biases = torch.nn.ParameterList(), torch.nn.ParameterList()
        for shape in shapes:
            drawn = torch.randn(*shape, generator=generator, dtype=torch.float64)
            self.weights.append(torch.nn.Parameter(drawn / math.prod(shape[1:]) ** 0.5))
            self.biases.append(torch.nn.Parameter(torch.zeros(shape[0], dtype=torch.float64)))


class Trainee(_Layers):
    """A network under training.

    Parameters
    ----------
    features, z
        Training rows, for the scalings; hidden layers are `hidden` wide.
    """

    def __init__(
        self, features: ArrayLike, z: ArrayLike, hidden: Sequence[int] = (128, 128), seed: int = 0
    ) -> None:
        widths = [np.shape(features)[1], *hidden, np.shape(z)[1]]
        super().__init__(features, z, [(out, width) for width, out in pairwise(widths)], seed)

    def forward(self, features: ArrayLike) -> torch.Tensor:
        """Coordinates (instances, modes) of features (instances, features)."""
        h = torch.as_tensor(self.inputs(features))
        layers = list(zip(self.weights, self.biases, strict=True))
        for weights, bias in layers[:-1]:
            h = torch.tanh(h @ weights.T + bias)
        weights, bias = layers[-1]
        field: torch.Tensor = (h @ weights.T + bias) * self.size + self.mean
        return field

    def network(self) -> Network:
        """What has been learned so far, in numpy."""
        layers = [
            (weights.detach().numpy().copy(), bias.detach().numpy().copy())
            for weights, bias in zip(self.weights, self.biases, strict=True)
        ]
        return Network(self.inputs, self.outputs, layers)


class ConvolutionTrainee(_Layers):
    """A convolutional network under training.

    Parameters
    ----------
    fields, z
        Training rows: fields (instances, rows · columns) on a grid of this shape, and coordinates.
    channels
        Filters of each layer, after which the grid is halved.
    """

    def __init__(
        self,
        fields: ArrayLike,
        z: ArrayLike,
        shape: tuple[int, int],
        channels: Sequence[int] = (8, 16),
        seed: int = 0,
    ) -> None:
        coarse, left = Coarse(shape), POINTS // 2 ** len(channels)
        shapes: list[tuple[int, ...]] = [(out, n, 3, 3) for n, out in pairwise((1, *channels))]
        shapes.append((np.shape(z)[1], channels[-1] * left**2))
        super().__init__(coarse(fields), z, shapes, seed)
        self.coarse = coarse

    def forward(self, fields: ArrayLike) -> torch.Tensor:
        """Coordinates (instances, modes) of fields (instances, rows · columns)."""
        h = torch.as_tensor(self.inputs(self.coarse(fields))).reshape(-1, 1, POINTS, POINTS)
        layers = list(zip(self.weights, self.biases, strict=True))
        for weights, bias in layers[:-1]:
            h = torch.tanh(torch.nn.functional.conv2d(h, weights, bias, padding=1))
            h = torch.nn.functional.avg_pool2d(h, 2)
        weights, bias = layers[-1]
        field: torch.Tensor = (h.flatten(1) @ weights.T + bias) * self.size + self.mean
        return field

    def network(self) -> Convolution:
        """What has been learned so far, in numpy."""
        *filters, head = (
            (weights.detach().numpy().copy(), bias.detach().numpy().copy())
            for weights, bias in zip(self.weights, self.biases, strict=True)
        )
        return Convolution(self.coarse, self.inputs, self.outputs, filters, head)


@dataclass(frozen=True)
class Residuals:
    """(‖b - A V z‖ / ‖b‖)² as a quadratic in z for each of many instances: 1 - 2 hᵀz + zᵀG z.

    Attributes
    ----------
    G : (instances, modes, modes), (A V)ᵀ(A V) / ‖b‖².
    h : (instances, modes), (A V)ᵀ b / ‖b‖².
    """

    G: torch.Tensor
    h: torch.Tensor

    @classmethod
    def of(
        cls, codec: Codec, matrices: Sequence[sp.csr_matrix], right_sides: ArrayLike
    ) -> Residuals:
        """Of training instances; one dense product with each matrix."""
        V = np.asfortranarray(basis(codec))
        G, h, last = [], [], None
        for A, b in zip(matrices, np.asarray(right_sides), strict=True):
            if last is not A:
                last, W = A, A @ V
                squared = W.T @ W
            norm = float(b @ b)
            G.append(squared / norm)
            h.append(W.T @ b / norm)
        return cls(torch.as_tensor(np.array(G)), torch.as_tensor(np.array(h)))

    def squared(
        self, z: torch.Tensor, rows: NDArray[np.int64] | slice = slice(None)
    ) -> torch.Tensor:
        """Squared relative residuals (instances,) at z, not below rounding."""
        some = rows if isinstance(rows, slice) else torch.as_tensor(rows)
        quadratic = torch.einsum("nk,nkl,nl->n", z, self.G[some], z)
        return (1.0 - 2.0 * (self.h[some] * z).sum(-1) + quadratic).clamp_min(1e-30)

    def log_gradient(self, z: Array, rows: NDArray[np.int64] | slice = slice(None)) -> Array:
        """Gradient of log(‖b - A V z‖ / ‖b‖) with respect to z, (instances, modes)."""
        point = torch.as_tensor(z).requires_grad_(True)
        total = 0.5 * self.squared(point, rows).log().sum()
        return torch.autograd.grad(total, point)[0].numpy()


def fit_solutions(
    trainee: Trainee | ConvolutionTrainee,
    features: ArrayLike,
    z: ArrayLike,
    steps: int = 2000,
    seed: int = 0,
) -> None:
    """Minimise the mean squared error of scaled coordinates."""
    target = torch.as_tensor(trainee.outputs(z))
    features = np.asarray(features, dtype=np.float64)
    scale = torch.where(trainee.size > 0, trainee.size, 1.0)

    def loss(rows: NDArray[np.int64]) -> torch.Tensor:
        error = (trainee(features[rows]) - trainee.mean) / scale - target[rows]
        mean: torch.Tensor = (error**2).mean()
        return mean

    descend(trainee, loss, len(features), steps, seed)


def fit_residuals(
    trainee: Trainee | ConvolutionTrainee,
    features: ArrayLike,
    residuals: Residuals,
    scale: ArrayLike = 1.0,
    steps: int = 1000,
    seed: int = 0,
) -> None:
    """Minimise the mean log of the relative residual; no solver is called.

    Parameters
    ----------
    scale
        ‖b‖ of each where the network predicts coordinates of x / ‖b‖, else 1.
    """
    features = np.asarray(features, dtype=np.float64)
    factor = torch.as_tensor(np.broadcast_to(scale, len(features)).copy())

    def loss(rows: NDArray[np.int64]) -> torch.Tensor:
        z = trainee(features[rows]) * factor[rows, None]
        return 0.5 * residuals.squared(z, rows).log().mean()

    with torch.no_grad():
        present = float(torch.exp(loss(np.arange(len(features)))))
    descend(trainee, loss, len(features), steps, seed, gentle_rate(trainee, present))


def gentle_rate(trainee: torch.nn.Module, error: float, share: float = 0.3) -> float:
    """Learning rate of Adam that moves outputs by a share of their present relative error a step.

    Adam moves every weight by the rate, so an output by at most rate times the width before it.
    A network that is nearly right is spoilt by larger steps.
    """
    *_, last = (each for each in trainee.parameters() if each.dim() == 2)
    return share * min(error, 1.0) / last.shape[1]


def descend(
    trainee: torch.nn.Module,
    loss: Callable[[NDArray[np.int64]], torch.Tensor],
    count: int,
    steps: int,
    seed: int,
    rate: float = 3e-3,
) -> None:
    """Adam with a cosine schedule on batches of instances; every fifth instance is held out.

    What was best on those held out is kept, the start included.
    """
    optimiser = torch.optim.Adam(trainee.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(steps, 1))
    rng, rows = np.random.default_rng(seed), np.arange(count)
    learned, held = rows[rows % 5 != 0], rows[rows % 5 == 0]
    best = Best(trainee)
    for step in range(steps):
        if step % _LOOK_EVERY == 0:
            best.offer(_value(loss, held))
        optimiser.zero_grad()
        chosen = rng.choice(learned, min(_BATCH, len(learned)), replace=False)
        torch.autograd.backward(loss(chosen))
        optimiser.step()
        schedule.step()
    best.offer(_value(loss, held))
    best.restore()


class Best:
    """The weights with the smallest loss on what was held out."""

    def __init__(self, trainee: torch.nn.Module) -> None:
        self._trainee, self._least = trainee, np.inf
        self._kept = [each.detach().clone() for each in trainee.parameters()]

    def offer(self, loss: float) -> None:
        """Keep the present weights if this is their loss and none was smaller."""
        if loss < self._least:
            self._least = loss
            self._kept = [each.detach().clone() for each in self._trainee.parameters()]

    def restore(self) -> None:
        """Put the best weights back."""
        with torch.no_grad():
            for each, kept in zip(self._trainee.parameters(), self._kept, strict=True):
                each.copy_(kept)


def _value(loss: Callable[[NDArray[np.int64]], torch.Tensor], rows: NDArray[np.int64]) -> float:
    with torch.no_grad():
        return float(loss(rows))
