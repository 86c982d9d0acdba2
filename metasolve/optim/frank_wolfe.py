"""`FrankWolfe`: minimise over a domain from directional differences, never leaving it.

With a forward gradient φ = (D_u f) u in place of the gradient, Frank-Wolfe stalls: its step goes to
an extreme point picked by one random direction, however short the gradient. Averaging over steps
removes that floor (Rostami & Kia, arXiv 2403.12511).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metasolve.errors import UsageError
from metasolve.gradient.differences import probes
from metasolve.gradient.estimators import mean
from metasolve.gradient.tangents import tangents
from metasolve.optim.domains import Domain, pulled_inside

Array = NDArray[np.float64]


class FrankWolfe:
    """Averaged forward-gradient Frank-Wolfe: ask for points, tell their costs.

    d_k = (1 - γ_k) d_{k-1} + γ_k φ_k,  s_k = argmin_{s in domain} <s, d_k>,
    x_{k+1} = x_k + η_k (s_k - x_k),  η_k = 2/(k + 1),  γ_k = min{1, 2/(k + 1)^(2/3)}

    for k = 1, 2, ...

    On a convex function the gap shrinks like 1/sqrt(k). Points asked for and iterates are all in
    the domain, as convex combinations.

    Parameters
    ----------
    domain
        Where to stay.
    start
        (..., n), in the domain; leading axes are independent runs.
    averaged
        False for γ_k = 1, the naive method.
    step
        ε of the differences.
    seed
        Of the tangents, keyed by seed and k.
    taken
        Steps that the start is worth: k begins after them, so that it is not forgotten at once.
        With 0 the first step, η = 1, goes to an extreme point whatever the start.

    Raises
    ------
    UsageError
        If the start is outside.
    """

    def __init__(
        self,
        domain: Domain,
        start: ArrayLike,
        averaged: bool = True,
        step: float = 1e-6,
        seed: int = 0,
        taken: int = 0,
    ) -> None:
        self.x = np.array(start, dtype=np.float64)
        if not np.all(domain.contains(self.x)):
            raise UsageError(f"start={start!r}: is outside the domain; start at its centre")
        self.domain, self.averaged, self.step, self.seed = domain, averaged, step, seed
        self.taken = taken
        self._average = np.zeros_like(self.x)
        self._everywhere = np.ones(self.x.shape[-1], dtype=bool)

    def ask(self) -> Array:
        """Points (..., 2, n) to evaluate: a base, the iterate pulled inside, and one probe."""
        # The first columns do not depend on how many there are: a run's tangents are its own.
        runs = self.x.size // self.x.shape[-1]
        drawn = tangents("rademacher", (self.seed, self.taken, 0), runs, self._everywhere)
        V = self.domain.direction(drawn.T.reshape(self.x.shape))[..., None]
        reach = self.step * float(np.max(np.abs(V)))
        base = pulled_inside(self.domain, self.x, reach)
        self._asked = V, probes(base, V, self.step)
        return self._asked[1].points

    def tell(self, costs: ArrayLike) -> None:
        """Take the costs (..., 2) of the points asked for, and move."""
        V, asked = self._asked
        self.advance(mean(V, asked.differences(costs)))

    def advance(self, gradient: Array) -> None:
        """Move with an estimate (..., n) of the gradient, or with the gradient itself."""
        self.taken += 1
        weight = min(1.0, 2.0 / (self.taken + 1) ** (2 / 3)) if self.averaged else 1.0
        self._average += weight * (gradient - self._average)
        extreme = self.domain.minimiser(self._average)
        self.x += 2.0 / (self.taken + 1) * (extreme - self.x)
