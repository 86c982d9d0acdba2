"""What covariances are made of. Needs torch."""

from __future__ import annotations

import torch

Tensor = torch.Tensor


def bell(a: Tensor, b: Tensor) -> Tensor:
    """exp(-½‖a_i - b_j‖²), (n, m); above 1 by no more than rounding."""
    inner = torch.addmm(-0.5 * b.square().sum(dim=1), a, b.T)
    return (inner - 0.5 * a.square().sum(dim=1)[:, None]).exp()


def stretched(rows: Tensor, count: int) -> Tensor:
    """Each row as often as makes `count` of them."""
    return rows if len(rows) == count else rows.repeat_interleave(count // len(rows), dim=0)
