"""`MatchedSurrogate`: a network trained online to match directional differences. Needs torch.

E (D_v f - D_v f̂)² = ‖∇f - ∇f̂‖² for isotropic tangents v, so the loss of derivative matching *is*
the variance that is left of the control variate, and ρ = ‖∇f - ∇f̂‖/‖∇f‖, measured on the probes
that training needs anyway, says whether it helps: only while ρ < 1 (Arisaka & Li, arXiv
2405.02952).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from metasolve.errors import UsageError
from metasolve.gradient.estimators import slopes

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MatchingOptions:
    """How a surrogate is trained.

    Attributes
    ----------
    learning_rate : of Adam, at first.
    settling : steps after which it has fallen by a factor √2; it goes on as 1/√steps.
    value_weight : of the relative squared error of the values, beside that of the differences.
    extra_steps : steps after the one on the newest probes, each on a batch replayed from the past.
    memory : batches of probes kept for replay.
    forgetting : how much of ρ's running sums one batch keeps.
    """

    learning_rate: float = 1e-2
    settling: int = 300
    value_weight: float = 0.0
    extra_steps: int = 0
    memory: int = 20
    forgetting: float = 0.9


@dataclass(frozen=True)
class _Batch:
    z: torch.Tensor
    V: torch.Tensor
    d: torch.Tensor
    values: torch.Tensor


class MatchedSurrogate:
    """A surrogate f̂ of a cost f, and how far to trust its gradient.

    Parameters
    ----------
    network
        Maps (n, dim) to (n,), row by row; its output is scaled by the size of the first
        differences seen, so it need not know how large costs are.
    options
        Of training.
    seed
        Of what is replayed.
    """

    def __init__(
        self, network: torch.nn.Module, options: MatchingOptions | None = None, seed: int = 0
    ) -> None:
        self.network, self.options = network, options or MatchingOptions()
        # At a constant rate, and without AMSGrad (Reddi et al. 2018), which does not forget how
        # large gradients can be, training was calm for 10,000 steps and then unlearned in a few.
        self._optimiser = torch.optim.Adam(
            network.parameters(), lr=self.options.learning_rate, amsgrad=True
        )
        settling = self.options.settling
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimiser, lambda step: (1.0 + step / settling) ** -0.5
        )
        self._type = next(network.parameters()).dtype
        self._memory: deque[_Batch] = deque(maxlen=self.options.memory)
        self._rng = np.random.default_rng(seed)
        self._scale, self._level = 0.0, 0.0
        self._wrong, self._total = 0.0, 0.0

    @property
    def rho(self) -> float:
        """Running estimate of ‖∇f - ∇f̂‖ / ‖∇f‖ from past probes; infinite before the first."""
        if self._total > 0:
            return float(np.sqrt(self._wrong / self._total))
        return float("inf")

    @property
    def helps(self) -> bool:
        """Whether the control variate reduces the variance, as far as past probes tell: ρ < 1."""
        return self.rho < 1.0

    def values(self, z: ArrayLike) -> Array:
        """f̂ (n,) at z (n, dim)."""
        with torch.no_grad():
            return self._predict(self._tensor(z)).numpy().astype(float)

    def gradient(self, z: ArrayLike) -> Array:
        """∇f̂ (n, dim) at z (n, dim)."""
        points = self._tensor(z).requires_grad_(True)
        total = self._predict(points).sum()
        return torch.autograd.grad(total, points)[0].numpy().astype(float)

    def trusted_gradient(self, z: ArrayLike) -> Array:
        """∇f̂ (n, dim) while the control variate helps, else zero: the plain estimator.

        It depends on past probes only, so a mean corrected by it is unbiased.
        """
        return self.gradient(z) if self.helps else np.zeros(np.shape(z))

    def observe(
        self,
        z: ArrayLike,
        V: ArrayLike,
        d: ArrayLike,
        values: ArrayLike,
        gradient: Array | None = None,
    ) -> float:
        """Take probes in: update ρ, then train. Returns the loss of the step on these probes.

        Parameters
        ----------
        z, V, d, values
            (n, dim), (n, dim, k), (n, k) and (n,): points, tangents, differences, costs.
        gradient
            ∇f̂ at z if it is known already.

        Raises
        ------
        UsageError
            If a difference or a value is not finite.
        """
        z, V, d = (np.asarray(each, dtype=np.float64) for each in (z, V, d))
        values = np.asarray(values, dtype=np.float64)
        if not (np.all(np.isfinite(d)) and np.all(np.isfinite(values))):
            raise UsageError("surrogate: a difference or cost is not finite; clip or drop it")
        if not self._scale:
            self._scale = float(np.sqrt(np.mean(d**2))) or 1.0
            self._level = float(np.mean(values))
        self._judge(d - slopes(V, self.gradient(z) if gradient is None else gradient), d)
        newest = _Batch(*(self._tensor(each) for each in (z, V, d, values)))
        loss = self._step(newest)
        self._memory.append(newest)
        for _ in range(self.options.extra_steps):
            self._step(self._memory[int(self._rng.integers(len(self._memory)))])
        return loss

    def _judge(self, error: Array, d: Array) -> None:
        keep = self.options.forgetting
        self._wrong = keep * self._wrong + float(np.mean(error**2))
        self._total = keep * self._total + float(np.mean(d**2))

    def _step(self, batch: _Batch) -> float:
        self._optimiser.zero_grad()
        loss = self._loss(batch)
        torch.autograd.backward(loss)
        self._optimiser.step()
        self._schedule.step()
        return float(loss.detach())

    def _loss(self, batch: _Batch) -> torch.Tensor:
        """ρ² of the batch; both terms relative, so that the rate suits costs of any size."""
        z = batch.z.detach().requires_grad_(True)
        predicted = self._predict(z)
        gradient = torch.autograd.grad(predicted.sum(), z, create_graph=True)[0]
        d_hat = (batch.V * gradient.unsqueeze(-1)).sum(dim=1)
        loss = _relative(d_hat, batch.d)
        if self.options.value_weight:
            centred = batch.values - self._level
            loss = loss + self.options.value_weight * _relative(predicted - self._level, centred)
        return loss

    def _predict(self, z: torch.Tensor) -> torch.Tensor:
        predicted: torch.Tensor = (self._scale or 1.0) * self.network(z) + self._level
        return predicted

    def _tensor(self, values: ArrayLike) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values), dtype=self._type)


def _relative(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return (found - wanted).square().mean() / wanted.square().mean().clamp(min=1e-30)


def multilayer(dim: int, width: int = 64, depth: int = 2, seed: int = 0) -> torch.nn.Module:
    """Multi-layer perceptron (n, dim) -> (n,) of `depth` hidden layers, smooth (GELU)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[torch.nn.Module] = []
        for before in (dim, *[width] * (depth - 1)):
            layers += [torch.nn.Linear(before, width), torch.nn.GELU()]
        return torch.nn.Sequential(*layers, torch.nn.Linear(width, 1), torch.nn.Flatten(0))
