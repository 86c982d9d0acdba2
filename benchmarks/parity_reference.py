"""A system with its refined solution, and the errors of answers and tolerances against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import SuperLU, splu

from metasolve.errors import UsageError
from metasolve.petsc.contract import Measure

Array = NDArray[np.float64]
_REFINEMENTS, _DIRECTIONS = 4, 5
_ROUNDING = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Reference:
    """A system with its factors and its refined solution.

    Attributes
    ----------
    A : the matrix, (n, n).
    lu : its factors.
    x : its solution, (n,), refined with residuals in extended precision.
    """

    A: sp.csr_matrix
    lu: SuperLU
    x: Array

    @classmethod
    def of(cls, A: sp.csr_matrix, b: Array) -> Reference:
        """Solve a system.

        Raises
        ------
        UsageError
            If the matrix is singular.
        """
        try:
            lu = splu(A.tocsc())
        except RuntimeError as error:
            raise UsageError(f"{A.shape[0]} rows: {error}; parity needs a solution") from error
        x = lu.solve(b)
        for _ in range(_REFINEMENTS):
            x = x + lu.solve(residual(A, x, b))
        return cls(A, lu, x)

    def error(self, x: Array) -> float:
        """Return ‖x - x*‖₂ / ‖x*‖₂, never below rounding."""
        size = float(np.linalg.norm(self.x))
        return max(float(np.linalg.norm(x - self.x)) / size if size else 0.0, _ROUNDING)

    def stood_for(self, b: Array, measure: Measure, tolerance: float, seed: int = 0) -> float:
        """Return the error that a tolerance stands for: the median over random residuals.

        Parameters
        ----------
        measure, tolerance : the contract; relative to the measure of x = 0.
        """
        rng, errors = np.random.default_rng(seed), []
        for _ in range(_DIRECTIONS):
            r = _at_tolerance(rng.standard_normal(b.size), self, b, measure, tolerance)
            errors.append(self.error(self.x + self.lu.solve(r)))
        return float(np.median(errors))


def residual(A: sp.csr_matrix, x: Array, b: Array) -> Array:
    """Return b - A x, (n,), summed in extended precision."""
    products = A.data.astype(np.longdouble) * x.astype(np.longdouble)[A.indices]
    total = np.zeros(A.shape[0], np.longdouble)
    np.add.at(total, np.repeat(np.arange(A.shape[0]), np.diff(A.indptr)), products)
    difference: Array = (b.astype(np.longdouble) - total).astype(np.float64)
    return difference


def _at_tolerance(
    z: Array, reference: Reference, b: Array, measure: Measure, tolerance: float
) -> Array:
    """Scale a residual so that its measure is the tolerance."""
    A = reference.A
    if measure is Measure.BACKWARD:
        most = _rows(A).max() * np.abs(reference.x).max() + np.abs(b).max()
        scaled: Array = z * (tolerance * most / np.abs(z).max())
        return scaled
    weights = np.ones_like(b)
    if measure is Measure.ROWS:
        diagonal = A.diagonal()
        weights = np.where(diagonal != 0, np.abs(diagonal), np.maximum(_rows(A), 1e-300))
    scaled = z * weights * (tolerance * np.linalg.norm(b / weights) / np.linalg.norm(z))
    return np.asarray(scaled, np.float64)


def _rows(A: sp.csr_matrix) -> Array:
    """Sums of absolute values, (n,)."""
    sums: Array = np.asarray(abs(A).sum(axis=1)).ravel()
    return sums
