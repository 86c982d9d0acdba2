"""A surrogate's gradient as a mere hint: its direction is used, its length measured.

One probe along the hint u, k more along random tangents. The estimate is d_u u plus the mean of
what the random tangents see beyond it; the step is scaled by how much the hint misses, so that
descent is guaranteed whatever the surrogate says: O(1/T) for a perfect hint, O(n/T) for a useless
one, in T steps on a convex function with L-Lipschitz gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metasolve.gradient.estimators import Matrix, Vector, mean, slopes


@dataclass
class HintedStep:
    """Steps along safeguarded hints.

    Attributes
    ----------
    lipschitz : L, of the gradient.
    forgetting : how much of its running sums one step keeps.
    """

    lipschitz: float
    forgetting: float = 0.9
    _missed: float = 0.0
    _total: float = 0.0

    @property
    def sine_squared(self) -> float:
        """sin²θ between hint and gradient as past probes tell; 1, the worst, before the first."""
        return self._missed / self._total if self._total > 0 else 1.0

    def size(self, n: int, k: int) -> float:
        """Step length (1/L)/(1 + (n - 1) sin²θ / k).

        It minimises the bound f - η‖∇f‖² + (L/2) η² E‖g‖² for Rademacher tangents, where
        E‖g‖² = ‖∇f‖²(1 + (n - 1) sin²θ/k); up to a factor 2 it is (1/L) min{1, k/(n sin²θ)}.
        """
        return 1.0 / (self.lipschitz * (1.0 + (n - 1) * self.sine_squared / k))

    def move(self, hint: Vector, d_hint: float, V: Matrix, d: Vector) -> Vector:
        """What to add to the point, (dim,); then learn how good the hint was.

        Parameters
        ----------
        hint
            Unit vector u (dim,), the normalised gradient of the surrogate.
        d_hint
            Difference of the cost along u.
        V, d
            Rademacher tangents (dim, k), and the differences (k,) along them.
        """
        beyond = d - slopes(V, d_hint * hint)
        gradient = d_hint * hint + mean(V, beyond)
        step = -self.size(*V.shape) * gradient
        missed = float(np.mean(beyond**2))  # E = ‖∇f - d_u u‖² = sin²θ ‖∇f‖²
        self._missed = self.forgetting * self._missed + missed
        self._total = self.forgetting * self._total + missed + d_hint**2
        return step
