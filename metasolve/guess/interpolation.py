"""`EmpiricalInterpolation`: a vector of a family, from a few of its entries."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class EmpiricalInterpolation:
    """Coefficients θ with v ≈ Σ θ_q u_q, found from as many entries of v as there are modes u_q.

    The modes span the snapshots; the entries are chosen greedily (discrete empirical interpolation,
    Chaturantabut & Sorensen, SIAM J. Sci. Comput. 32, 2010; of the entries of a matrix: Negri,
    Manzoni & Amsallem, J. Comput. Phys. 303, 2015). Exact, up to rounding, for every v in the span.

    Parameters
    ----------
    modes
        u_q as rows (count, size), linearly independent.

    Attributes
    ----------
    entries : (count,) places of the entries that are read.
    inverse : (count, count), entries to coefficients.
    """

    def __init__(self, modes: ArrayLike) -> None:
        self.modes = np.asarray(modes, dtype=np.float64)
        self.entries = _greedy(self.modes)
        self.inverse = np.linalg.inv(self.modes[:, self.entries])

    @classmethod
    def fit(cls, snapshots: ArrayLike, count: int, least: float = 1e-12) -> EmpiricalInterpolation:
        """Learn from snapshots (instances, size).

        Parameters
        ----------
        count
            Most modes to keep.
        least
            Leaves out modes with a singular value below this share of the largest.
        """
        _, s, Vt = np.linalg.svd(np.asarray(snapshots, dtype=np.float64), full_matrices=False)
        kept = min(count, max(1, int(np.sum(s > least * s[0]))))
        return cls(Vt[:kept])

    def __call__(self, v: Array) -> Array:
        """θ (count,) of v (size,); reads `entries` of v only."""
        return v[self.entries] @ self.inverse


def _greedy(modes: Array) -> NDArray[np.int64]:
    """For each mode, the entry in which interpolation by those before it is worst."""
    chosen: list[int] = []
    for count, mode in enumerate(modes):
        before = modes[:count]
        error = mode
        if chosen:
            theta = np.linalg.solve(before[:, chosen].T, mode[chosen])
            error = mode - theta @ before
        chosen.append(int(np.argmax(np.abs(error))))
    return np.array(chosen)
