"""Directional differences: points to evaluate; costs in, differences out.

Whoever calls the solver (a loop, a farm) never needs to know what the points are for: every point
is one independent work item.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metasolve.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import torch

Array = NDArray[np.float64]
Scheme = Literal["forward", "central"]


@dataclass(frozen=True)
class Probes:
    """What to evaluate for the differences along k tangents.

    Attributes
    ----------
    points : (..., m, dim). Forward: the base point, then one per tangent, m = 1 + k. Central: all
        points ahead, then all behind, m = 2k.
    step : (..., k) or scalar, the ε of each tangent.
    scheme : how the costs combine.
    """

    points: Array
    step: Array
    scheme: Scheme

    @property
    def items(self) -> Array:
        """All points as rows (number of calls, dim), in the order `differences` wants costs in."""
        return self.points.reshape(-1, self.points.shape[-1])

    def differences(self, costs: ArrayLike) -> Array:
        """Directional differences (..., k).

        Forward: (c(z + εv) - c(z))/ε, error ε/2 |vᵀ∇²c v| + O(ε²) and, of costs with noise σ,
        σ·sqrt(2)/ε. Central: (c(z + εv) - c(z - εv))/2ε, error O(ε²) and σ/(ε·sqrt(2)).

        Parameters
        ----------
        costs
            One for each point, shaped (..., m) or flat as `items` are.
        """
        c = np.asarray(costs, dtype=np.float64).reshape(self.points.shape[:-1])
        if self.scheme == "forward":
            return (c[..., 1:] - c[..., :1]) / self.step
        ahead, behind = np.split(c, 2, axis=-1)
        along: Array = (ahead - behind) / (2.0 * self.step)
        return along


def probes(z: ArrayLike, V: ArrayLike, step: ArrayLike, scheme: Scheme = "forward") -> Probes:
    """Points for the differences along tangents V, for one instance or many.

    Steps that differ from setting to setting are a change of coordinates: divide z by them.

    Parameters
    ----------
    z
        Base points (..., dim).
    V
        Tangents (..., dim, k).
    step
        ε > 0, scalar or (..., k).

    Raises
    ------
    UsageError
        If a step is not positive or the scheme unknown.
    """
    step = np.asarray(step, dtype=np.float64)
    if scheme not in get_args(Scheme):
        raise UsageError(f"scheme={scheme!r} is unknown; {did_you_mean(scheme, get_args(Scheme))}")
    if not np.all(step > 0):
        raise UsageError(f"step={step!r} of a difference: must be greater than 0")
    base = np.asarray(z, dtype=np.float64)[..., None, :]
    moves = np.swapaxes(np.asarray(V, dtype=np.float64), -1, -2) * step[..., None]
    first = np.broadcast_to(base, (*moves.shape[:-2], 1, moves.shape[-1]))
    parts = [first, base + moves] if scheme == "forward" else [base + moves, base - moves]
    return Probes(np.concatenate(parts, axis=-2), step, scheme)


def forward_mode(
    function: Callable[[torch.Tensor], torch.Tensor], z: torch.Tensor, V: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Values (n,) and exact directional derivatives (n, k) of a torch function, without ε.

    Parameters
    ----------
    function
        Maps (n, dim) to (n,), row by row.
    z, V
        (n, dim) and (n, dim, k).
    """
    import torch

    def along(v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        value, slope, *_ = torch.func.jvp(function, (z,), (v,))
        return value, slope

    # None, an output that is the same for all, is missing in torch's type of out_dims.
    values, d = torch.func.vmap(along, in_dims=-1, out_dims=(None, -1))(V)  # type: ignore[arg-type]
    return values, d
