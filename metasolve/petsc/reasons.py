"""PETSc's reasons and error messages in the words of `Outcome`."""

from __future__ import annotations

from petsc4py import PETSc

from metasolve.petsc.measurement import NOT_STARTED, Measurement
from metasolve.solve.outcome import Reason

_PETSC = PETSc.KSP.ConvergedReason
_MEANING = {
    _PETSC.DIVERGED_MAX_IT: Reason.MAX_ITERATIONS,
    _PETSC.DIVERGED_DTOL: Reason.DIVERGED,
    _PETSC.DIVERGED_BREAKDOWN: Reason.BREAKDOWN,
    _PETSC.DIVERGED_BREAKDOWN_BICG: Reason.BREAKDOWN,
    _PETSC.DIVERGED_NONSYMMETRIC: Reason.BREAKDOWN,
    _PETSC.DIVERGED_INDEFINITE_PC: Reason.BREAKDOWN,
    _PETSC.DIVERGED_INDEFINITE_MAT: Reason.BREAKDOWN,
    _PETSC.DIVERGED_NANORINF: Reason.NOT_A_NUMBER,
    _PETSC.DIVERGED_PCSETUP_FAILED: Reason.SETUP_FAILED,
}


def explain(measured: Measurement, accurate: bool) -> tuple[Reason, str]:
    """Return why a solve ended, and a message where there is more to say.

    Parameters
    ----------
    measured
        PETSc's reason or error, whether the budget ran out, which options were not used.
    accurate
        Whether the recomputed residual meets the tolerance; if so, nothing else matters.
    """
    if measured.error:
        started = measured.reason != NOT_STARTED
        return (Reason.ERROR if started else Reason.SETUP_FAILED), measured.error
    if measured.unused:
        names = ", ".join(measured.unused)
        return Reason.ERROR, f"PETSc did not use {names}: misspelt, or not of this solver"
    if accurate:
        return Reason.CONVERGED, ""
    if measured.exhausted:
        return Reason.TIME_BUDGET, ""
    return of_code(measured.reason)


def of_code(code: int) -> tuple[Reason, str]:
    """Return what a reason of PETSc's means where the residual does not meet the tolerance."""
    if code > 0:
        return Reason.WRONG_RESIDUAL, ""
    return _MEANING.get(code, Reason.ERROR), f"KSP reason {code}"


def message_of(error: PETSc.Error) -> str:
    """Return what PETSc says went wrong, without its call stack."""
    lines = [line.partition("] ")[2] or line for line in str(error).splitlines()]
    said = [line for line in lines if "() at " not in line and not line.startswith("error code")]
    return "; ".join(said) or lines[0]
