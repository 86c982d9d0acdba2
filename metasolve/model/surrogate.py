"""`Surrogate`: a Gaussian process that predicts the cost of settings on an instance. Needs torch.

Its kernel has a length for every feature and every coordinate of the settings, learned from the
evaluations by maximum a posteriori, so that features that do not matter drop out: with a few dozen
instances this halved the regret of an ensemble of networks. It is conditioned exactly on what was
measured, differences of cost between neighbouring settings included, which is what makes it a
control variate (the mismatch of directional derivatives *is* the variance that is left).
Formulas: Rasmussen & Williams, Gaussian Processes for Machine Learning, 2006, chapters 2, 4 and 5.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.model.covariance import bell, stretched
from metasolve.model.gate import Bells
from metasolve.model.matches import Matches, as_tensor, some_of, subset
from metasolve.optim.adam import Adam

Tensor = torch.Tensor
Foresight = Callable[[Tensor, Tensor], Tensor]
_JITTER = 1e-4  # variance that keeps the factorisation well posed where nothing is noisy
_ELSEWHERE = -1  # instance index of features that were not measured


def nothing(*_: Tensor) -> Tensor:
    """What costs are thought to be where nobody knows."""
    return torch.zeros(())


class Surrogate(torch.nn.Module):
    """Gaussian process over (standardised features, encoded settings), predicting cost.

    The covariance is a sum: how settings act on like instances (a product of both kernels), how
    settings act everywhere, how hard like instances are, a straight line in the features, which
    goes on where no instance is near, and an offset of each single instance (its reference was
    measured once, with an error that all its costs share); plus noise.

    Parameters
    ----------
    features, dim : sizes of x and s.
    seed : of the subset of evaluations used to fit the kernel.
    rows : evaluations conditioned on; more are thinned out at random.
    straight : whether there is the straight line.
    foreseen : costs (n,) at x and s as they are thought to be; the process is of what is beyond.
    """

    FIT_ROWS = 500  # evaluations used to fit the kernel
    SPREAD_ROWS = 300  # evaluations used for the standard deviation; fewer overstate it

    def __init__(
        self,
        features: int,
        dim: int,
        seed: int = 0,
        rows: int = 4000,
        straight: bool = True,
        foreseen: Foresight = nothing,
    ) -> None:
        super().__init__()

        def parameter(*values: float) -> torch.nn.Parameter:
            return torch.nn.Parameter(torch.tensor(values, dtype=torch.float64))

        self.seed, self.rows, self.straight = seed, rows, straight
        self._foreseen = foreseen
        self.feature_lengths = parameter(*[0.7] * features)  # logarithms, as all that follow
        self.setting_lengths = parameter(*[0.7] * dim)
        self.common_lengths = parameter(*[0.7] * dim)
        self.slopes = parameter(*[-2.5] * features)
        self.sizes = parameter(-0.5, -0.5, -1.0, -2.0)
        self.noise_size = parameter(-2.5)
        self.level = parameter(0.5 if foreseen is nothing else 0.0)
        self._known: Matches | None = None

    @property
    def noise(self) -> float:
        """Standard deviation of a repeated cost, as far as the evaluations tell."""
        return float(self.noise_size.detach().exp())

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """The kernel's parameters and what the surrogate is conditioned on, as numpy arrays."""
        arrays = {name: values.detach().numpy().copy() for name, values in self.named_parameters()}
        if self._known is not None:
            arrays |= {key: values.numpy().copy() for key, values in vars(self._known).items()}
        return arrays

    @property
    def _matches(self) -> Matches:
        """What it is conditioned on."""
        if self._known is None:
            raise ValueError("the surrogate has seen no evaluation: fit it first")
        return self._known

    # --- kernel -------------------------------------------------------------------------------

    def _kernel(self, x: Tensor, s: Tensor, x2: Tensor, s2: Tensor) -> Tensor:
        """Covariance (n, m) without the single instances' offsets.

        There may be fewer features than settings: each row of x stands for as many rows of s.
        """
        lengths = (self.feature_lengths, self.setting_lengths, self.common_lengths)
        scale_x, scale_s, scale_c = ((-each).exp().to(x.dtype) for each in lengths)
        joint, common, hard, _ = (2.0 * self.sizes).exp().to(x.dtype)
        alike = stretched(bell(x * scale_x, x2 * scale_x), len(s))
        acts = joint * bell(s * scale_s, s2 * scale_s) + hard
        kernel: Tensor = alike * acts + common * bell(s * scale_c, s2 * scale_c)
        if self.straight:
            kernel = kernel + stretched(self._sloped(x) @ self._sloped(x2).T, len(s))
        return kernel

    def _sloped(self, x: Tensor) -> Tensor:
        return x * self.slopes.exp().to(x.dtype)

    def _offset(self, instance: Tensor, instance2: Tensor) -> Tensor:
        same = (instance[:, None] == instance2[None]).double()
        return (2.0 * self.sizes[3]).exp() * same

    def _covariance(self, data: Matches) -> Tensor:
        """Of what was measured, (n, n), noise included."""
        x, s = data.x.double(), data.s.double()
        noise = (2.0 * self.noise_size).exp() + _JITTER
        K = self._kernel(x, s, x, s) + self._offset(data.instance, data.instance)
        return K + noise * torch.eye(len(x), dtype=torch.float64)

    def _solve(self, K: Tensor, data: Matches) -> tuple[Tensor, Tensor, Tensor]:
        """Cholesky factor of the covariance, residuals, and covariance⁻¹ residuals."""
        L = torch.linalg.cholesky(K)
        residual = data.cost.double() - self.level
        return L, residual, torch.cholesky_solve(residual[:, None], L)[:, 0]

    def _beyond(self, data: Matches) -> Matches:
        return replace(data, cost=data.cost - self._foreseen(data.x, data.s)) if len(data) else data

    # --- learning -----------------------------------------------------------------------------

    def fit(self, data: Matches, steps: int = 60, learning_rate: float = 0.08) -> float:
        """Fit the kernel, starting from the present one, and condition on `data`.

        Returns the negative log posterior per evaluation. `steps` are of Adam: none without data.
        """
        some = self._beyond(subset(data, self.FIT_ROWS, self.seed))
        optimiser = Adam(self.parameters())
        value = 0.0
        for _ in range(steps if len(some) else 0):
            optimiser.clear()
            value = self._likelihood(some) / len(some)
            optimiser.step(learning_rate)
        self.condition(data)
        return value

    def _likelihood(self, data: Matches) -> float:
        """Negative log posterior, its gradient added to that of the parameters.

        With respect to the covariance it is known: ½ (K⁻¹ - K⁻¹r rᵀK⁻¹), equation 5.9.
        """
        K, prior = self._covariance(data), self._prior()
        with torch.no_grad():
            L, residual, solved = self._solve(K, data)
            slope = 0.5 * (torch.cholesky_inverse(L) - torch.outer(solved, solved))
            value = 0.5 * residual @ solved + L.diagonal().log().sum() + prior
        # A product, because a backward pass from a slope loads a second's worth of modules.
        torch.autograd.backward((K * slope).sum() + prior - self.level * solved.sum())
        return float(value)

    def _prior(self) -> Tensor:
        """Negative log prior: long lengths, gentle slopes, 8 % noise, unless evaluations differ."""
        return (
            0.5 * (self.feature_lengths - 1.1).square().sum()
            + 0.25 * (self.setting_lengths - 0.7).square().sum()
            + 0.25 * (self.common_lengths - 0.7).square().sum()
            + 0.5 * (self.slopes + 2.5).square().sum()
            + 0.1 * self.sizes.square().sum()
            + 0.5 * (self.noise_size + 2.5).square().sum()
        )

    @torch.no_grad()
    def condition(self, data: Matches) -> None:
        """Condition on evaluations, with the kernel as it is."""
        known = self._beyond(subset(data, self.rows, self.seed))
        K = self._covariance(known)
        self._lower, _, self._solved = self._solve(K, known)
        self._few = some_of(len(known), self.SPREAD_ROWS, self.seed)
        L = torch.linalg.cholesky(K[self._few][:, self._few])
        identity = torch.eye(len(L), dtype=torch.float64)
        self._whiten: Tensor = torch.linalg.solve_triangular(L, identity, upper=False).float()
        self._known, self._weights = known, self._solved.float()

    @torch.no_grad()
    def extend(self, seen: Matches) -> None:
        """Condition the mean on more; kernel and spread are as they are.

        The factor of the covariance grows by the new rows: O(n²) for each.
        """
        old, noise = self._matches, (2.0 * self.noise_size).exp() + _JITTER
        seen = self._beyond(seen)
        x, s = seen.x.double(), seen.s.double()
        cross = self._kernel(old.x.double(), old.s.double(), x, s)
        cross = torch.linalg.solve_triangular(
            self._lower, cross + self._offset(old.instance, seen.instance), upper=False
        )
        own = self._kernel(x, s, x, s) + self._offset(seen.instance, seen.instance)
        own = own + noise * torch.eye(len(x), dtype=torch.float64) - cross.T @ cross
        upper = torch.hstack([self._lower, torch.zeros_like(cross)])
        self._lower = torch.vstack([upper, torch.hstack([cross.T, torch.linalg.cholesky(own)])])
        self._known = old.and_also(seen)
        residual = self._matches.cost.double() - self.level
        self._solved = torch.cholesky_solve(residual[:, None], self._lower)[:, 0]
        self._weights = self._solved.float()

    def given(self, seen: Matches) -> Surrogate:
        """A copy that is conditioned on `seen`, too."""
        wiser = copy(self)
        wiser.extend(seen)
        return wiser

    # --- predicting ---------------------------------------------------------------------------

    def mean(self, x: Tensor, s: Tensor) -> Tensor:
        """Predicted cost (n,), differentiable; x may have fewer rows than s, see `_kernel`."""
        return self._mean(x, s, self._to_known(x, s))

    def spread(self, x: Tensor, s: Tensor) -> Tensor:
        """Standard deviation (n,) of the prediction, without noise; differentiable."""
        return self._spread(x, self._to_known(x, s)[:, self._few])

    def mean_and_spread(self, x: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """Both, for little more than the price of one."""
        kernel = self._to_known(x, s)
        return self._mean(x, s, kernel), self._spread(x, kernel[:, self._few])

    def _to_known(self, x: Tensor, s: Tensor) -> Tensor:
        known = self._matches
        return self._kernel(x, s, known.x, known.s)

    def _mean(self, x: Tensor, s: Tensor, kernel: Tensor) -> Tensor:
        return kernel @ self._weights + self.level.float() + self._foreseen(x, s)

    def _spread(self, x: Tensor, kernel: Tensor) -> Tensor:
        white = kernel @ self._whiten.T
        prior = (2.0 * self.sizes[:3]).exp().sum().float().expand(len(kernel))
        if self.straight:
            prior = prior + stretched(self._sloped(x).square().sum(dim=1), len(kernel))
        deviation: Tensor = (prior - white.square().sum(dim=1)).clamp(min=1e-6).sqrt()
        return deviation

    def strays(self, x: Tensor, s: Tensor) -> Tensor:
        """Standard deviation (n,) of one measurement on an instance that is not known."""
        return self.straying(self.spread(x, s))

    def straying(self, spread: Tensor) -> Tensor:
        """`strays` where `spread` (n,) is known."""
        alone = (2.0 * self.sizes[3]).exp() + (2.0 * self.noise_size).exp()
        return (spread.square() + alone.float()).sqrt()

    @torch.no_grad()
    def draw(self, x: Tensor, s: Tensor, normal: NDArray[np.float64]) -> NDArray[np.float64]:
        """One joint sample of costs (n,) on one instance, x (1, features), by normals (n,)."""
        kernel = self._to_known(x, s)
        white = kernel[:, self._few] @ self._whiten.T
        prior = self._kernel(x, s, x.expand(len(s), -1), s)
        covariance = torch.addmm(prior, white, white.T, alpha=-1.0)
        covariance.diagonal().add_(1e-3)
        root = torch.linalg.cholesky(covariance.double())
        mean = self._mean(x, s, kernel).double()
        drawn: NDArray[np.float64] = (mean + root @ torch.as_tensor(normal)).numpy()
        return drawn

    @torch.no_grad()
    def predict(
        self, x: NDArray[np.float64], s: NDArray[np.float64], instance: int = _ELSEWHERE
    ) -> NDArray[np.float64]:
        """Predicted cost (n,), all rows on one instance; its own offset included when known."""
        costs = self.mean(as_tensor(x), as_tensor(s)).numpy().astype(float)
        here = torch.full((1,), instance)
        offset = self._offset(here, self._matches.instance)[0] @ self._solved
        return costs + float(offset)

    def bells(self, features: NDArray[np.int_]) -> Bells:
        """The mean of a surrogate that knows no settings, no line, and of `features` only."""
        joint, common, hard, _ = (float(size) for size in (2.0 * self.sizes.detach()).exp())
        lengths = self.feature_lengths.detach().exp().numpy()
        solved = self._solved.numpy()
        level = float(self.level.detach()) + common * float(solved.sum())
        centres = self._matches.x.numpy() / lengths
        return Bells(features, lengths, centres, (joint + hard) * solved, level)

    def gradient(self, x: NDArray[np.float64], s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gradient of the predicted cost with respect to encoded settings, shape (n, dim)."""
        settings = as_tensor(s).requires_grad_(True)
        total = self.mean(as_tensor(x), settings).sum()
        return torch.autograd.grad(total, settings)[0].numpy().astype(float)
