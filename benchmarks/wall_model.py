"""Wall-stress closures of the channel program: its network, fitted two ways.

The network corrects the logarithmic law, tau_w = tau_log exp(c): without weights it is that law.
`train` moves its weights by forward gradients *through* the program, on what the program then
answers (Hückelheim et al., arXiv 2311.11876, for wall models). `fit` is the usual way: regression
on points of resolved profiles, without the program in the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import lambertw

from benchmarks.channel_program import Flows, numbers, solve
from metasolve.gradient import method, probes
from metasolve.program.case import Case
from metasolve.solve.instance import Instance

Array = NDArray[np.float64]
HIDDEN, INPUTS = 6, 3
SIZE = HIDDEN * (INPUTS + 2) + 1
_KAPPA, _B = 0.41, 5.2
_ERROR, _ITERATION = 0.05, 0.01  # of the wall stress, relative, that costs 1; cost of one iteration
_FAILURE = 10.0  # cost of a flow that diverges
_STEP, _TANGENTS, _RATE = 0.02, 8, 0.03
_RIDGE = 1e-3


@dataclass(frozen=True)
class Training:
    """Weights (SIZE,), the cost by step, and the flows that the program solved for it."""

    weights: Array
    costs: list[float]
    solved: int


def network_law(weights: Array) -> str:
    """The law of the network as the program reads it."""
    return " ".join(["network", *(f"{weight:.12g}" for weight in weights)])


def start_weights(seed: int) -> Array:
    """Random hidden units that do not count yet: the logarithmic law."""
    rng = np.random.default_rng((seed, 11))
    weights = np.zeros(SIZE)
    weights[: HIDDEN * INPUTS] = rng.standard_normal(HIDDEN * INPUTS) / INPUTS**0.5
    weights[HIDDEN * INPUTS : HIDDEN * (INPUTS + 1)] = 0.5 * rng.standard_normal(HIDDEN)
    return weights


def cost(found: Flows, reference: Array) -> Array:
    """What training minimises, (m,): mismatch of the wall stress, iterations, failures."""
    error = np.minimum(((found.wall_stress / reference - 1.0) / _ERROR) ** 2, _FAILURE)
    each = np.where(found.converged, error, _FAILURE) + _ITERATION * found.iterations
    cost: Array = each.mean(axis=1)
    return cost


def train(
    case: Case,
    flows: Sequence[Instance],
    reference: Array,
    steps: int,
    seed: int,
    report: Callable[[int], None] = lambda _: None,
) -> Training:
    """Adam on projected forward gradients, central differences along 8 tangents each step.

    Parameters
    ----------
    reference : wall stress of the resolved flows, (n,).
    """
    import torch

    weights = torch.tensor(start_weights(seed))
    adam = torch.optim.Adam([weights], lr=_RATE)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    projected, active, costs = method("projected"), np.ones(SIZE, dtype=bool), []
    for step in range(steps):
        report(step)
        V = projected.tangents("orthogonal", (seed, step, 0), _TANGENTS, active)
        asked = probes(weights.numpy(), V, _STEP, "central")
        found = solve(case, [network_law(each) for each in asked.items], flows)
        measured = cost(found, reference)
        costs.append(float(measured.mean()))
        weights.grad = torch.tensor(projected.gradient(V, asked.differences(measured)))
        adam.step()
        falling.step()
    return Training(weights.numpy(), costs, steps * 2 * _TANGENTS * len(flows))


def fit(flows: Sequence[Instance], resolved: Flows, seed: int) -> Array:
    """Weights (SIZE,) by regression on resolved velocities, slopes and wall stresses."""
    height, viscosity = 1.0 / numbers(flows, "points"), 1.0 / numbers(flows, "reynolds")
    u, slope = resolved.velocity[0], resolved.slope[0]
    x = inputs(u, slope, height, viscosity, numbers(flows, "gradient"))
    target = np.log(resolved.wall_stress[0] / log_stress(u, height, viscosity))

    def residual(weights: Array) -> Array:
        return np.concatenate([(output(weights, x) - target) / _ERROR, _RIDGE * weights])

    start = start_weights(seed)
    start[-HIDDEN - 1 : -1] = 0.1 * np.random.default_rng((seed, 12)).standard_normal(HIDDEN)
    weights: Array = least_squares(residual, start).x
    return weights


def log_stress(u: Array, height: Array, viscosity: Array) -> Array:
    """Wall stress of the logarithmic law, u+ = ln(y+)/0.41 + 5.2, solved by Lambert's W."""
    s = lambertw(_KAPPA * u * height / viscosity * np.exp(_KAPPA * _B)).real
    stress: Array = (_KAPPA * u / s) ** 2
    return stress


def inputs(u: Array, slope: Array, height: Array, viscosity: Array, gradient: Array) -> Array:
    """What the network of the program sees, (n, 3)."""
    reynolds = 2.0 * (np.log10(np.maximum(u * height / viscosity, 1.0)) - 3.0)
    push = 1e3 * gradient * height / np.maximum(u**2, 1e-4)
    rise = 10.0 * (slope * height / np.maximum(np.abs(u), 1e-2) - 0.1)
    return np.column_stack([reynolds, push, rise])


def output(weights: Array, x: Array) -> Array:
    """Correction c (n,) of the network of the program."""
    W = weights[: HIDDEN * INPUTS].reshape(HIDDEN, INPUTS)
    hidden = np.tanh(x @ W.T + weights[HIDDEN * INPUTS : HIDDEN * (INPUTS + 1)])
    correction: Array = hidden @ weights[-HIDDEN - 1 : -1] + weights[-1]
    return correction
