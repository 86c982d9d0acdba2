"""`Adam`: torch's AdamW over all parameters of something small, as one vector. Needs torch.

What is trained here has a dozen small tensors: torch's own loop over them takes longer than their
gradients.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch


class Adam:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2).

    Parameters
    ----------
    parameters : of one type; they become views of one vector.
    weight_decay : times the rate, the part of every parameter that a step takes away.

    Notes
    -----
    Law: the same steps as ``torch.optim.AdamW`` on the parameters themselves, up to rounding.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], weight_decay: float = 0.0) -> None:
        known = list(parameters)
        self._all = torch.nn.Parameter(torch.cat([each.detach().reshape(-1) for each in known]))
        self._slope = self._all.grad = torch.zeros_like(self._all)
        self._torch = torch.optim.AdamW([self._all], weight_decay=weight_decay)
        start = 0
        for each in known:
            end = start + each.numel()
            each.data = self._all.data[start:end].view_as(each)
            each.grad = self._slope[start:end].view_as(each)
            start = end

    def clear(self) -> None:
        """Forget the gradient: the next backward pass begins at zero."""
        self._slope.zero_()

    def step(self, rate: float, longest: float | None = None) -> None:
        """Take a step; a gradient longer than `longest` is shortened to that."""
        if longest is not None:
            torch.nn.utils.clip_grad_norm_([self._all], longest)
        self._torch.param_groups[0]["lr"] = rate
        self._torch.step()
