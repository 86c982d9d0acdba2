"""`Surrogate`: an ensemble of small networks that predicts the cost of settings on an instance.

It is matched to measured costs and to measured differences of cost between neighbouring settings;
the second is what makes it a control variate (the mismatch of directional derivatives *is* the
variance that is left). Needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

Tensor = torch.Tensor


@dataclass(frozen=True)
class Matches:
    """What the surrogate is matched to, as float32 tensors.

    Attributes
    ----------
    x : (n, features) standardised features of the instance of each evaluation.
    s : (n, dim) encoded settings, as `Space.encode` gives them.
    cost : (n,) measured costs.
    base, moved : (pairs,) indices into the evaluations: moved is base plus a small perturbation.
    """

    x: Tensor
    s: Tensor
    cost: Tensor
    base: Tensor
    moved: Tensor


class Surrogate(torch.nn.Module):
    """Ensemble of MLPs, (standardised features, encoded settings) to cost.

    Members differ by their initial weights and by an exponential re-weighting of the evaluations
    (a Bayesian bootstrap), so their spread says where evaluations are missing.
    """

    def __init__(
        self, features: int, dim: int, members: int = 4, hidden: int = 64, seed: int = 0
    ) -> None:
        super().__init__()
        self.members, self.seed = members, seed
        generator = torch.Generator().manual_seed(seed)

        def random(*shape: int, fan: int) -> torch.nn.Parameter:
            values = torch.randn(members, *shape, generator=generator) / max(fan, 1) ** 0.5
            return torch.nn.Parameter(values)

        # Settings enter at full strength, each feature more weakly: there are many of them.
        self.from_features = random(features, hidden, fan=features)
        self.from_settings = random(dim, hidden, fan=4)
        self.middle = random(hidden, hidden, fan=hidden)
        self.out = random(hidden, fan=hidden)
        self.bias1 = torch.nn.Parameter(torch.zeros(members, 1, hidden))
        self.bias2 = torch.nn.Parameter(torch.zeros(members, 1, hidden))
        self.level = torch.nn.Parameter(torch.zeros(members, 1))
        self.optimiser = torch.optim.AdamW(self.parameters(), lr=5e-3, weight_decay=0.02)
        self.generator = torch.Generator().manual_seed(seed + 1)

    def forward(self, x: Tensor, s: Tensor) -> Tensor:
        """Cost by each member, (members, n), for rows x (n, features) and s (n, dim)."""
        return self._top(x @ self.from_features + s @ self.from_settings)

    def every_arm(self, x: Tensor, s: Tensor) -> Tensor:
        """Cost by each member, (members, n, arms), for x (n, features) and s (n, arms, dim)."""
        n, arms, dim = s.shape
        from_x = (x @ self.from_features).unsqueeze(2)
        from_s = (s.reshape(n * arms, dim) @ self.from_settings).view(self.members, n, arms, -1)
        return self._top((from_x + from_s).flatten(1, 2)).view(self.members, n, arms)

    def _top(self, z: Tensor) -> Tensor:
        h = torch.nn.functional.silu(z + self.bias1)
        h = torch.nn.functional.silu(h @ self.middle + self.bias2)
        return (h * self.out.unsqueeze(1)).sum(-1) + self.level

    def fit(
        self, data: Matches, steps: int, learning_rate: float = 5e-3, differences: float = 1.0
    ) -> float:
        """Take Adam steps on the value and difference losses; returns the last value loss.

        Parameters
        ----------
        data : everything measured so far.
        steps : Adam steps; the learning rate falls to a tenth over them (cosine).
        differences : weight of the difference loss; 0 matches values alone.
        """
        n = len(data.cost)
        weights = self._bootstrap(n)
        batch, loss = min(n, 256), 0.0
        for step in range(steps):
            for group in self.optimiser.param_groups:
                group["lr"] = learning_rate * (0.55 + 0.45 * np.cos(np.pi * step / steps))
            rows = torch.randperm(n, generator=self.generator)[:batch]
            error = self(data.x[rows], data.s[rows]) - data.cost[rows]
            value = (weights[:, rows] * robust(error)).mean()
            total = value
            if differences and len(data.base):
                pick = torch.randperm(len(data.base), generator=self.generator)[: batch // 2]
                total = total + differences * self._difference_loss(data, pick, weights)
            self.optimiser.zero_grad()
            total.backward()
            self.optimiser.step()
            loss = float(value.detach())
        return loss

    def _difference_loss(self, data: Matches, pick: Tensor, weights: Tensor) -> Tensor:
        base, moved = data.base[pick], data.moved[pick]
        predicted = self(data.x[moved], data.s[moved]) - self(data.x[base], data.s[base])
        error = predicted - (data.cost[moved] - data.cost[base])
        return (weights[:, moved] * robust(error)).mean()

    def _bootstrap(self, n: int) -> Tensor:
        """Weights (members, n) of each evaluation; those of the first rows stay as n grows."""
        draw = np.random.default_rng(self.seed).exponential(size=(n, self.members))
        return torch.as_tensor(0.5 + 0.5 * draw.T, dtype=torch.float32)

    @torch.no_grad()
    def predict(self, x: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation over members, each of shape (n,)."""
        costs = self(as_tensor(x), as_tensor(s)).numpy().astype(float)
        return costs.mean(axis=0), costs.std(axis=0)

    def gradient(self, x: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Gradient of the mean cost with respect to encoded settings, shape (n, dim)."""
        settings = as_tensor(s).requires_grad_(True)
        total = self(as_tensor(x), settings).mean(dim=0).sum()
        return torch.autograd.grad(total, settings)[0].numpy().astype(float)


def robust(error: Tensor) -> Tensor:
    """Huber loss: squared below 0.5, linear above, so failures do not drown everything else."""
    return torch.nn.functional.huber_loss(
        error, torch.zeros_like(error), delta=0.5, reduction="none"
    )


def as_tensor(values: np.ndarray) -> Tensor:
    """A float32 tensor."""
    return torch.as_tensor(np.asarray(values), dtype=torch.float32)
