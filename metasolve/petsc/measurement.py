"""`Measurement`: one solve by one KSP, timed, with its residual recomputed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from petsc4py import PETSc

from metasolve.petsc import communication
from metasolve.petsc.systems import System

NOT_STARTED = 0
#: A residual missed by less than this factor is reached by going on from there, once ...
_NEARLY = 100.0
#: ... or, where an exact answer is asked for, by less than this, as long as that helps.
_REFINED = 1e6


@dataclass
class Measurement:
    """What came out of one solve, before it is judged.

    Parameters
    ----------
    reason
        PETSc's, 0 if the solve was not started.
    iterations, setup, solve, flops
        Counted over all ranks; seconds of the slowest, by `clock`.
    residual
        Measure of the answer, recomputed: ‖b - A x‖₂ where no other is asked for.
    ending
        The last two residual norms the method saw, in the norm of the KSP.
    history
        All of them, the initial one first.
    exhausted
        Whether the budget, not the application, ended the solve.
    clock
        Seconds are its differences: wall time, or what else is to be measured.
    error, unused
        PETSc's error message; options it did not ask for.
    """

    reason: int = NOT_STARTED
    iterations: int = 0
    setup: float = 0.0
    solve: float = 0.0
    flops: float = 0.0
    residual: float = math.inf
    history: tuple[float, ...] = ()
    exhausted: bool = False
    error: str = ""
    unused: tuple[str, ...] = ()
    clock: Callable[[], float] = time.perf_counter

    def set_up(self, ksp: PETSc.KSP, comm: PETSc.Comm) -> None:
        """Set up a KSP, its blocks included. Collective: yes, on comm."""
        flops, began = PETSc.Log.getFlops(), self.clock()
        ksp.setUp()
        ksp.setUpOnBlocks()
        _set_up_splits(ksp.getPC())
        self.setup = communication.largest(comm, self.clock() - began)
        self.flops += communication.total(comm, PETSc.Log.getFlops() - flops)

    def run(self, ksp: PETSc.KSP, system: System, x: PETSc.Vec) -> None:
        """Solve, in place of x, and recompute the residual. Collective: yes, on the KSP's comm."""
        comm, flops = ksp.comm, PETSc.Log.getFlops()
        ksp.setConvergenceHistory(reset=True)
        began = self.clock()
        ksp.solve(system.b, x)
        self.solve += communication.largest(comm, self.clock() - began)
        self.flops += communication.total(comm, PETSc.Log.getFlops() - flops)
        self.reason = int(ksp.getConvergedReason())
        self.iterations += ksp.getIterationNumber()
        norms = tuple(float(norm) for norm in ksp.getConvergenceHistory())
        self.history += norms[1:] if self.history else norms  # it goes on from where it was
        self.residual = system.residual(x)

    def nearly(self, target: float, *, direct: bool = False) -> bool:
        """Whether the method stopped just short of a residual: its own had drifted."""
        return target < self.residual < (_REFINED if direct else _NEARLY) * target


def _set_up_splits(pc: PETSc.PC) -> None:
    """PETSc does so in the first solve; the time would be taken for the solve's."""
    if pc.getType() == PETSc.PC.Type.FIELDSPLIT:
        for ksp in pc.getFieldSplitSubKSP():
            ksp.setUp()
            ksp.setUpOnBlocks()
