"""`squash`: what of a cost a surrogate is to learn. Needs torch."""

from __future__ import annotations

import torch

Tensor = torch.Tensor
_CALM, _SPAN = 0.5, 0.6


def squash(cost: Tensor) -> Tensor:
    """Cost as the surrogate sees it: itself up to 0.5, then bending towards 1.1.

    How bad a bad setting is matters little, and failures (above 2.6) would set the scale of all.
    Monotone and once differentiable up to a factor at 0.5.
    """
    return torch.where(cost < _CALM, cost, _CALM + _SPAN * torch.tanh(cost - _CALM))
