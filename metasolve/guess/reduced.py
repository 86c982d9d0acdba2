"""`ReducedGalerkin`: the Galerkin correction at a cost that does not grow with the system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from metasolve.errors import UsageError
from metasolve.guess.codec import Codec, basis
from metasolve.guess.interpolation import EmpiricalInterpolation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Tables:
    """What a reduced Galerkin guess is made from: the matrix is entries of A times `operators`.

    Attributes
    ----------
    entries : (q,) places in the data of A's CSR format.
    rows : (p,) of b.
    operators : (q, modes, modes).
    sides : (p, modes).
    """

    entries: NDArray[np.int64]
    rows: NDArray[np.int64]
    operators: Array
    sides: Array


class ReducedGalerkin:
    """Coordinates z with VᵀAV z = Vᵀb, both sides from a few entries of A and b.

    In a family with few parameters A ≈ Σ θ_q(A) A_q and b ≈ Σ φ_p(b) b_p, the coefficients from
    entries by `EmpiricalInterpolation`. VᵀA_qV and Vᵀb_p are made once; a guess then costs
    O(modes² · count + modes³) and the decoding. What was predicted is replaced, not corrected: the
    solution of the reduced system does not depend on it.

    Parameters
    ----------
    codec
        Whose coordinates; all of them are found.
    matrices, right_sides
        Of training instances, the matrices with one sparsity pattern.
    count
        Most entries to read of either.

    Attributes
    ----------
    modes : how many coordinates.
    basis : (size, modes), V.

    Raises
    ------
    UsageError
        If the matrices have different patterns.
    """

    def __init__(
        self,
        codec: Codec,
        matrices: Sequence[sp.csr_matrix],
        right_sides: ArrayLike,
        count: int = 96,
    ) -> None:
        first = matrices[0]
        if any(not same_pattern(first, A) for A in matrices[1:]):
            raise UsageError(
                "matrices of training instances have different patterns; store zeros explicitly, "
                "or correct by Galerkin"
            )
        V = self.basis = np.asfortranarray(basis(codec))
        self.modes = V.shape[1]
        self._nnz, self._size = first.nnz, first.shape[0]
        self._operator = EmpiricalInterpolation.fit([A.data for A in matrices], count)
        reduced = [V.T @ (_with_data(first, mode) @ V) for mode in self._operator.modes]
        self._operators = np.array(reduced).reshape(len(reduced), -1)
        self._right = EmpiricalInterpolation.fit(right_sides, count)
        self._rights = self._right.modes @ V
        # Only entries and inverses are needed from here on; modes are as large as the training set.
        self._operator.modes = self._right.modes = np.empty(0)

    def __call__(self, A: sp.csr_matrix, b: Array, z: Array) -> Array:
        """Solution of the reduced system; z where A is not of the family or that is singular."""
        if A.nnz != self._nnz or A.shape[0] != self._size:
            return z
        reduced = (self._operator(A.data) @ self._operators).reshape(self.modes, self.modes)
        try:
            found = np.linalg.solve(reduced, self._right(b) @ self._rights)
        except np.linalg.LinAlgError:
            return z
        return found if np.all(np.isfinite(found)) else z

    def tables(self) -> Tables:
        """The same as numbers that need no interpolation any more."""
        operators = np.tensordot(self._operator.inverse, self._operators, 1)
        return Tables(
            self._operator.entries,
            self._right.entries,
            operators.reshape(-1, self.modes, self.modes),
            self._right.inverse @ self._rights,
        )


def same_pattern(A: sp.csr_matrix, B: sp.csr_matrix) -> bool:
    """Whether A and B store entries in the same places, in the same order."""
    return np.array_equal(A.indptr, B.indptr) and np.array_equal(A.indices, B.indices)


def _with_data(A: sp.csr_matrix, data: Array) -> sp.csr_matrix:
    return sp.csr_matrix((data, A.indices, A.indptr), shape=A.shape)
