"""`Projected`: least squares over the solutions of one operator, for right-hand sides that vary."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from metasolve.guess.reduced import Tables

_ROUNDING = 1e-8  # of the largest singular value: below it solutions are combined with their errors
Array = NDArray[np.float64]


class Projected:
    """Coordinates z = Qᵀb of x0 = V z, where A V = Q: of all such x0 the least ‖b - A x0‖₂.

    Q is the best orthonormal basis for the right-hand sides seen (proper orthogonal decomposition),
    V the same combinations of their solutions. A guess costs two passes over a basis, 4nk.

    Parameters
    ----------
    solutions, right_sides
        (instances, size), of one operator.
    count
        Most modes.

    Attributes
    ----------
    modes : how many.
    basis : (size, modes), V.
    tests : (size, modes), Q.
    """

    def __init__(self, solutions: ArrayLike, right_sides: ArrayLike, count: int) -> None:
        x, b = (np.asarray(each, dtype=np.float64) for each in (solutions, right_sides))
        U, s, Qt = np.linalg.svd(b, full_matrices=False)
        self.modes = min(count, int(np.sum(s > _ROUNDING * s[0])))
        self.tests = np.asfortranarray(Qt[: self.modes].T)
        self.basis = np.asfortranarray((x.T @ U[:, : self.modes]) / s[: self.modes])

    def __call__(self, _: sp.csr_matrix, b: Array, z: Array) -> Array:  # noqa: ARG002
        """Coordinates for b; whatever was predicted is replaced."""
        return self.tests.T @ b

    def tables(self) -> Tables:
        """Nothing: no entry of A or b is looked at."""
        none, empty = np.zeros(0, dtype=np.int64), (0, self.modes)
        return Tables(none, none, np.zeros((*empty, self.modes)), np.zeros(empty))
