"""Accuracy parity: errors of answers under a model, beside what the program's own are good for.

The error of an answer is taken against a refined direct solve. Ours is divided by the larger of
the program's own error and the error that its own tolerance stands for: that of an answer whose
residual, in a random direction, just meets the tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from petsc4py import PETSc
from scipy.sparse.linalg import SuperLU, splu

from metasolve.errors import UsageError
from metasolve.petsc.contract import Measure
from metasolve.petsc.library import plugin
from metasolve.petsc.models import Models
from metasolve.petsc.options import Options
from metasolve.petsc.recorded_solve import RecordedSolve
from metasolve.petsc.recording import Recording
from metasolve.petsc.replay import configure
from metasolve.petsc.systems import System, Systems
from metasolve.report.result import Report, Result, Section, silent

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


def run(
    recording: Path, model: Path, *, most: int = 50, largest: int = 60_000, report: Report = silent
) -> Result:
    """Compare the answers of a model with those of the program, on recorded systems.

    Parameters
    ----------
    most : systems, taken evenly from the recording.
    largest : number of rows; larger systems are left out.

    Raises
    ------
    UsageError
        If no system can be compared.
    """
    instances = [
        each
        for each in Recording(recording).instances()
        if each.payload.host.replayable and each.payload.operator.rows <= largest
    ]
    every = max(1, -(-len(instances) // most))
    chosen, rows = instances[::every], []
    systems, models = Systems(PETSc.COMM_SELF), Models(PETSc.COMM_SELF)
    for number, instance in enumerate(chosen):
        report("parity", number, len(chosen))
        rows.append(_compared(instance.id, instance.payload, systems, models, model))
    models.destroy()
    systems.destroy()
    if not rows:
        raise UsageError(f"{recording}: no replayable system of at most {largest} rows")
    summary = {"systems": len(rows), **spread([row["parity"] for row in rows])}
    settings = {"recording": recording.name, "model": model.name, "most": most, "largest": largest}
    return Result("parity", settings, [Section("systems", rows), Section("parity", [summary])])


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return geometric mean, 95 % quantile and the worst of ratios."""
    ratios = np.asarray(values)
    return {
        "geometric mean": float(np.exp(np.log(ratios).mean())),
        "95 %": float(np.quantile(ratios, 0.95)),
        "worst": float(ratios.max()),
    }


def _compared(
    name: str, solve: RecordedSolve, systems: Systems, models: Models, model: Path
) -> dict[str, Any]:
    system = systems.load(solve)
    b = system.b.getArray().copy()
    reference = Reference.of(_scipy(system.A), b)
    own, _ = _answer(system, solve)
    ours, record = _answer(system, solve, models, model)
    errors = {
        "own error": reference.error(own),
        "tolerance": reference.stood_for(b, solve.measure, solve.tolerance),
        "our error": reference.error(ours),
    }
    return {
        "system": name,
        "rows": solve.operator.rows,
        "measure": solve.measure.value,
        "source": record.get("source", ""),
        **errors,
        "parity": errors["our error"] / max(errors["own error"], errors["tolerance"]),
    }


def _answer(
    system: System, solve: RecordedSolve, models: Models | None = None, model: Path | None = None
) -> tuple[Array, dict[str, Any]]:
    """Solve as the program does, or with the plug-in attached to its KSP."""
    ksp, x, record = PETSc.KSP().create(PETSc.COMM_SELF), system.start(), {}
    try:
        with Options(solve.host.options) as options:
            configure(ksp, system, solve, options)
            if models is not None and model is not None:
                models.attach(ksp, model)
                if solve.asked is not None:
                    plugin().tell(ksp, solve.asked)
            ksp.solve(system.b, x)
        if models is not None:
            record = plugin().last_record(ksp)
        answer: Array = x.getArray().copy()
        return answer, record
    finally:
        ksp.destroy()
        x.destroy()


def _scipy(A: PETSc.Mat) -> sp.csr_matrix:
    indptr, indices, data = A.getValuesCSR()
    return sp.csr_matrix((data, indices, indptr), shape=A.getSize())


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
