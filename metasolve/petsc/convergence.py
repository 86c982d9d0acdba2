"""`BudgetedTest`: PETSc's own convergence test, which also ends a solve that takes too long."""

from __future__ import annotations

import time

from petsc4py import PETSc

from metasolve.petsc.communication import largest
from metasolve.petsc.native import DefaultTest
from metasolve.solver import Budget

# Ranks compare clocks only so often: it costs a reduction.
_ITERATIONS_BETWEEN_CLOCKS = 8


class BudgetedTest:
    """Decides as KSPConvergedDefault does, keeps the residual norms, and watches the budget.

    Parameters
    ----------
    budget
        Its seconds count from the construction of this object, so that set-up is included.
    comm
        Ranks that solve together; they stop at the same iteration.
    """

    def __init__(self, budget: Budget, comm: PETSc.Comm) -> None:
        self._default = DefaultTest()
        self._limits, self._comm = budget, comm
        self._started = time.perf_counter()
        #: Residual norms by iteration, in the norm of the KSP.
        self.history: list[float] = []
        #: Whether the budget, not the application, ended the solve.
        self.exhausted = False

    def __call__(self, ksp: PETSc.KSP, iteration: int, norm: float) -> int:
        """Test one iteration. Collective: yes, on the communicator of ``ksp``."""
        # Restarted methods test an iteration twice; the later norm is the recomputed one.
        del self.history[iteration:]
        self.history.append(norm)
        reason = self._default(ksp, iteration, norm)
        if reason == 0 and self._over(iteration):
            self.exhausted = True
            return PETSc.KSP.ConvergedReason.DIVERGED_MAX_IT
        return reason

    def late(self) -> bool:
        """Whether the seconds are used up on any rank. Collective: yes, on comm."""
        if self._limits.seconds is None:
            return False
        elapsed = largest(self._comm, time.perf_counter() - self._started)
        self.exhausted = self.exhausted or elapsed >= self._limits.seconds
        return elapsed >= self._limits.seconds

    def _over(self, iteration: int) -> bool:
        if self._limits.iterations is not None and iteration >= self._limits.iterations:
            return True
        alone = self._comm.size == 1
        return (alone or iteration % _ITERATIONS_BETWEEN_CLOCKS == 0) and self.late()

    def destroy(self) -> None:
        """Free PETSc's context."""
        self._default.destroy()
