"""`Adam`: the optimiser of small networks and kernels, all parameters in one vector. Needs torch.

A step of torch's own takes longer than a gradient of what is trained here, and making the first
one loads a compiler, which takes a second.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

_BETAS, _TINY = (0.9, 0.999), 1e-8


class Adam:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2).

    Parameters
    ----------
    parameters : of one type; they become views of one vector.
    weight_decay : times the rate, the part of every parameter that a step takes away.

    Notes
    -----
    Law: the same steps as ``torch.optim.AdamW``, up to rounding.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], weight_decay: float = 0.0) -> None:
        known = list(parameters)
        self._decay, self._count = weight_decay, 0
        self._all = torch.cat([each.detach().reshape(-1) for each in known])
        self._slope = torch.zeros_like(self._all)
        self._first, self._second = torch.zeros_like(self._all), torch.zeros_like(self._all)
        start = 0
        for each in known:
            end = start + each.numel()
            each.data = self._all[start:end].view_as(each)
            each.grad = self._slope[start:end].view_as(each)
            start = end

    def clear(self) -> None:
        """Forget the gradient: the next backward pass begins at zero."""
        self._slope.zero_()

    @torch.no_grad()
    def step(self, rate: float, longest: float | None = None) -> None:
        """Take a step; a gradient longer than `longest` is shortened to that."""
        if longest is not None:
            norm = float(torch.linalg.vector_norm(self._slope))
            self._slope.mul_(min(1.0, longest / (norm + 1e-6)))
        self._count += 1
        slow, fast = (1.0 - beta**self._count for beta in _BETAS)
        self._first.lerp_(self._slope, 1.0 - _BETAS[0])
        self._second.mul_(_BETAS[1]).addcmul_(self._slope, self._slope, value=1.0 - _BETAS[1])
        size = self._second.sqrt().div_(fast**0.5).add_(_TINY)
        if self._decay:
            self._all.mul_(1.0 - rate * self._decay)
        self._all.addcdiv_(self._first, size, value=-rate / slow)
