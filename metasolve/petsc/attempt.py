"""One attempt at a system: it stops, goes on and ends as the plug-in's own does."""

from __future__ import annotations

from petsc4py import PETSc

from metasolve.petsc import communication
from metasolve.petsc.generated_solve import GeneratedSolve
from metasolve.petsc.library import Limits, plugin
from metasolve.petsc.measurement import Measurement
from metasolve.petsc.recorded_solve import RecordedSolve
from metasolve.petsc.systems import System
from metasolve.solve.solver import Budget

REFINEMENTS = 4  #: times that a direct solve goes on, at most
BETTER = 0.5  #: what one of them must make of the residual
CLOSER = 2  #: times that an answer is made closer, at most
CLOSEST = 1e-13  #: of the measure of x = 0: less is not asked for then


def attempt(
    ksp: PETSc.KSP,
    system: System,
    x: PETSc.Vec,
    measured: Measurement,
    solve: RecordedSolve | GeneratedSolve,
    target: float,
    budget: Budget,
) -> float:
    """Set up a KSP whose options are in place, and solve in place of `x`.

    Collective: yes, on the communicator of ``ksp``.

    Parameters
    ----------
    measured : takes what it comes to.
    target : the measure that the answer must come down to.

    Returns
    -------
    float
        The measure at which it stopped.
    """
    system.warm(x)
    began = measured.clock()
    limits = plugin().limit(ksp, target, budget.seconds, system.judge)
    measured.set_up(ksp, ksp.comm)
    elapsed = communication.largest(ksp.comm, measured.clock() - began)
    if budget.seconds is not None and elapsed > budget.seconds:
        measured.exhausted, measured.residual = True, system.residual(x)
        return target
    most = ksp.max_it
    measured.run(ksp, system, x)
    _go_on(ksp, system, x, measured, limits, target, direct=solve.direct)
    if isinstance(solve, RecordedSolve) and solve.stops_preconditioned:
        _closer(ksp, system, x, measured, limits, target, solve.rtol, most)
    out_of_iterations = budget.iterations is not None and measured.iterations >= budget.iterations
    measured.exhausted = bool(limits.late) or out_of_iterations
    return float(limits.target)


def _go_on(
    ksp: PETSc.KSP,
    system: System,
    x: PETSc.Vec,
    measured: Measurement,
    limits: Limits,
    target: float,
    *,
    direct: bool,
) -> None:
    """Go on from an answer that is nearly there."""
    most = ksp.max_it
    for _ in range(REFINEMENTS if direct else 1):
        before, left = measured.residual, most - measured.iterations
        if limits.late or left <= 0 or not measured.nearly(target, direct=direct):
            return
        _again(ksp, system, x, measured, left)
        if not measured.residual < BETTER * before:
            return


def _closer(
    ksp: PETSc.KSP,
    system: System,
    x: PETSc.Vec,
    measured: Measurement,
    limits: Limits,
    target: float,
    rtol: float,
    most: int,
) -> None:
    """Go on where the program's own settings, which stop on another norm, would have."""
    for _ in range(CLOSER):
        left, residual, reason = most - measured.iterations, measured.residual, measured.reason
        if not (residual <= target and left > 0):
            return
        part = plugin().closeness(ksp, system.A, system.b, x)
        if not part > rtol or not residual * rtol / part > CLOSEST * system.zero:
            return
        answer = x.copy()
        limits.target = residual * rtol / part
        _again(ksp, system, x, measured, left)
        if not measured.residual <= target:
            answer.copy(x)
            measured.residual, measured.reason = residual, reason
        answer.destroy()


def _again(ksp: PETSc.KSP, system: System, x: PETSc.Vec, measured: Measurement, left: int) -> None:
    ksp.setTolerances(max_it=left)
    ksp.setInitialGuessNonzero(True)
    measured.run(ksp, system, x)
