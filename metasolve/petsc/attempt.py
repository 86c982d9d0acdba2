"""One attempt at a system: it stops, goes on and ends as the plug-in's own does."""

from __future__ import annotations

from dataclasses import dataclass

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
    measured.run(ksp, system, x)
    made = _Attempt(ksp, system, x, measured, limits, target, ksp.max_it)
    made.go_on(REFINEMENTS if solve.direct else 1, direct=solve.direct)
    if isinstance(solve, RecordedSolve) and solve.stops_preconditioned:
        made.come_closer(solve.rtol)
    out_of_iterations = budget.iterations is not None and measured.iterations >= budget.iterations
    measured.exhausted = bool(limits.late) or out_of_iterations
    return float(limits.target)


@dataclass
class _Attempt:
    """One that has come to an end, and may go on from there; `most` iterations in all."""

    ksp: PETSc.KSP
    system: System
    x: PETSc.Vec
    measured: Measurement
    limits: Limits
    target: float
    most: int

    def go_on(self, times: int, *, direct: bool) -> None:
        """Go on from an answer that is nearly there."""
        for _ in range(times):
            before = self.measured.residual
            if self.limits.late or not self.measured.nearly(self.target, direct=direct):
                return
            if not self._again() or not self.measured.residual < BETTER * before:
                return

    def come_closer(self, rtol: float) -> None:
        """Go on where the program's own settings, which stop on another norm, would have."""
        measured, system = self.measured, self.system
        for _ in range(CLOSER):
            residual, reason = measured.residual, measured.reason
            if not residual <= self.target:
                return
            part = plugin().closeness(self.ksp, system.A, system.b, self.x)
            if not part > rtol or not residual * rtol / part > CLOSEST * system.zero:
                return
            self.limits.target = residual * rtol / part
            answer = self.x.copy()
            again = self._again()
            if again and not measured.residual <= self.target:
                answer.copy(self.x)
                measured.residual, measured.reason, again = residual, reason, False
            answer.destroy()
            if not again:
                return

    def _again(self) -> bool:
        """Solve from where it is; whether there was an iteration left for that."""
        left = self.most - self.measured.iterations
        if left > 0:
            self.ksp.setTolerances(max_it=left)
            self.ksp.setInitialGuessNonzero(True)
            self.measured.run(self.ksp, self.system, self.x)
        return left > 0
