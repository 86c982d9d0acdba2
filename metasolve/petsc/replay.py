"""`Replay`: solves recorded systems in process, under any settings.

A fresh KSP each time, because a live one keeps what earlier settings left in its preconditioner;
the unpreconditioned norm, because settings must not decide what "converged" means; the program's
own tolerances; and the residual recomputed, because some methods report one they do not have.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from petsc4py import PETSc

from metasolve.errors import UsageError
from metasolve.instance import Instance
from metasolve.outcome import Outcome, Reason, fractional
from metasolve.petsc import communication, reasons
from metasolve.petsc.convergence import BudgetedTest
from metasolve.petsc.options import Options, text
from metasolve.petsc.recorded_solve import RecordedSolve
from metasolve.petsc.systems import DEFAULT_BYTES, System, Systems
from metasolve.solver import Budget, Value

if TYPE_CHECKING:
    from metasolve.space import Space

#: Rounding between the residual a method carries along and the recomputed one.
SLACK = 1.001
_NORM_OPTIONS = ("ksp_norm_type", "ksp_pc_side")
_UNLIMITED = Budget()


class Replay:
    """A `Solver` of recorded systems.

    Parameters
    ----------
    comm
        Ranks that solve a system together (PETSc's or mpi4py's communicator); None for this rank
        alone. Laid out as the program had it where it ran on as many ranks.
    space
        Gives settings their option text and adds its fixed options; None writes them as they are.
    bytes
        Memory for loaded systems.

    Notes
    -----
    Laws: the same settings give the same iterations, whatever was solved before; the options
    database is left as it was found; a system solved by PETSc's standards but not by recomputed
    residual is `Reason.WRONG_RESIDUAL`.
    """

    def __init__(
        self,
        comm: Any = None,
        space: Space | None = None,
        bytes: int = DEFAULT_BYTES,  # noqa: A002 (it is what it is)
    ) -> None:
        if PETSc.ScalarType().dtype != "float64":
            raise UsageError("this PETSc has no real double-precision scalars: use one that has")
        self._comm = communication.petsc_comm(comm)
        self._space = space
        self._systems = Systems(self._comm, bytes)

    def solve(
        self, instance: Instance, settings: Mapping[str, Value], budget: Budget = _UNLIMITED
    ) -> Outcome:
        """Solve a recorded system under `settings`; empty settings mean the program's own.

        Collective: yes, on comm.

        Raises
        ------
        RecordingError
            If a file of the recording is missing or torn.
        UsageError
            If the instance does not come from a recording.
        """
        solve = _recorded(instance)
        if not settings:
            return self.solve_host(instance, budget=budget)
        if self._space is not None:
            entries = self._space.options(settings)
        else:
            entries = {name: text(value) for name, value in settings.items()}
        return self._attempt(solve, entries, budget, strict=True, unpreconditioned=True)

    def solve_host(
        self, instance: Instance, *, equal_residual: bool = False, budget: Budget = _UNLIMITED
    ) -> Outcome:
        """Solve a recorded system as the program itself configures its KSP.

        Collective: yes, on comm.

        Parameters
        ----------
        equal_residual
            Stop on the unpreconditioned norm, so that the answer is as accurate as every other
            contender's; otherwise on the norm that the program uses, which may ask for less.
        """
        solve = _recorded(instance)
        if not solve.host.replayable:
            return Outcome.failure(Reason.ERROR, f"not replayable: {solve.host.why}")
        entries = _host_options(solve, drop_norm=equal_residual)
        return self._attempt(solve, entries, budget, strict=False, unpreconditioned=equal_residual)

    def solve_with_plugin(
        self, instance: Instance, model: str | os.PathLike
    ) -> tuple[Outcome, dict[str, Any]]:
        """Solve as the program would with the plug-in attached to its KSP.

        Collective: yes, on comm.

        Returns
        -------
        outcome
            Set-up and solve seconds add up to the wall time around KSPSolve: features, decision,
            verification and a fallback are in it. Decision and set-up count as set-up.
        record
            The plug-in's own line of the run log.
        """
        from metasolve.petsc.library import plugin

        solve = _recorded(instance)
        system = self._systems.load(solve)
        with Options(_host_options(solve)) as options:
            ksp, x = self._host_ksp(solve, system, options), _start(system)
            try:
                plugin().attach(ksp, model)
                began = time.perf_counter()
                ksp.solve(system.b, x)
                seconds = communication.largest(self._comm, time.perf_counter() - began)
                record = plugin().last_record(ksp)
                measured = _Measured(int(ksp.getConvergedReason()), ksp.getIterationNumber())
                spent = record.get("seconds", {})
                measured.setup = min(spent.get("decision", 0.0) + spent.get("setup", 0.0), seconds)
                measured.solve = seconds - measured.setup
                measured.residual = _residual(system, x)
            finally:
                ksp.destroy()
                x.destroy()
        return self._outcome(solve, system, measured), record

    def destroy(self) -> None:
        """Free the systems kept in memory."""
        self._systems.destroy()

    # --- one solve -----------------------------------------------------------------------------

    def _attempt(
        self,
        solve: RecordedSolve,
        entries: Mapping[str, str],
        budget: Budget,
        *,
        strict: bool,
        unpreconditioned: bool,
    ) -> Outcome:
        system = self._systems.load(solve)
        test = BudgetedTest(budget, self._comm)
        ksp, x, measured = PETSc.KSP().create(self._comm), _start(system), _Measured()
        try:
            with Options(entries) as options:
                try:
                    _configure(ksp, system, options, solve, unpreconditioned=unpreconditioned)
                    ksp.setConvergenceTest(test)
                    self._measure(ksp, system, x, measured, test)
                except PETSc.Error as error:
                    measured.error = reasons.message_of(error)
                if strict:
                    self._demand_all_used(ksp, options, measured)
            return self._outcome(solve, system, measured)
        finally:
            ksp.destroy()
            x.destroy()
            test.destroy()

    def _measure(
        self, ksp: PETSc.KSP, system: System, x: PETSc.Vec, measured: _Measured, test: BudgetedTest
    ) -> None:
        flops, began = PETSc.Log.getFlops(), time.perf_counter()
        ksp.setUp()
        ksp.setUpOnBlocks()
        middle = time.perf_counter()
        measured.setup = communication.largest(self._comm, middle - began)
        measured.reason = PETSc.KSP.ConvergedReason.DIVERGED_MAX_IT
        if not test.late():
            began = time.perf_counter()
            ksp.solve(system.b, x)
            measured.solve = communication.largest(self._comm, time.perf_counter() - began)
            measured.reason = int(ksp.getConvergedReason())
            measured.iterations = ksp.getIterationNumber()
        measured.flops = communication.total(self._comm, PETSc.Log.getFlops() - flops)
        measured.history = tuple(test.history)
        measured.exhausted = test.exhausted
        measured.residual = _residual(system, x)

    def _demand_all_used(self, ksp: PETSc.KSP, options: Options, measured: _Measured) -> None:
        if measured.error or measured.reason == reasons.NOT_STARTED or not measured.iterations:
            return
        unused = communication.common(self._comm, options.unused())
        if unused and _single_level(ksp):
            unused = [name for name in unused if not name.startswith("mg_levels_")]
        measured.unused = tuple(unused)

    def _host_ksp(self, solve: RecordedSolve, system: System, options: Options) -> PETSc.KSP:
        ksp = PETSc.KSP().create(self._comm)
        _configure(ksp, system, options, solve, unpreconditioned=False)
        return ksp

    def _outcome(self, solve: RecordedSolve, system: System, measured: _Measured) -> Outcome:
        tolerance = max(solve.rtol, solve.abstol / system.norm if system.norm > 0 else 0.0)
        residual = measured.residual / system.norm if system.norm > 0 else measured.residual
        reason, message = reasons.explain(measured, residual <= SLACK * tolerance)
        whole = float(measured.iterations)
        partial = whole
        if reason is Reason.CONVERGED and measured.history:
            partial = min(fractional(measured.history, tolerance * system.norm), whole)
        return Outcome(
            reason,
            measured.iterations,
            partial,
            residual,
            measured.setup,
            measured.solve,
            measured.flops,
            measured.history,
            message,
        )


@dataclass
class _Measured:
    """What came out of one solve, before it is judged."""

    reason: int = reasons.NOT_STARTED
    iterations: int = 0
    setup: float = 0.0
    solve: float = 0.0
    flops: float = 0.0
    residual: float = float("inf")
    history: tuple[float, ...] = ()
    exhausted: bool = False
    error: str = ""
    unused: tuple[str, ...] = ()


def _recorded(instance: Instance) -> RecordedSolve:
    if not isinstance(instance.payload, RecordedSolve):
        raise UsageError(f"instance {instance.id} is not recorded: take it from a Recording")
    return instance.payload


def _configure(
    ksp: PETSc.KSP,
    system: System,
    options: Options,
    solve: RecordedSolve,
    *,
    unpreconditioned: bool,
) -> None:
    ksp.setOptionsPrefix(options.prefix)
    ksp.setOperators(system.A)
    if unpreconditioned:
        ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
    ksp.setFromOptions()
    # Last, so that no option can loosen what the program asked for.
    ksp.setTolerances(solve.rtol, solve.abstol, solve.divtol, solve.max_it)
    ksp.setInitialGuessNonzero(system.guess is not None)


def _host_options(solve: RecordedSolve, *, drop_norm: bool = False) -> dict[str, str]:
    dropped = _NORM_OPTIONS if drop_norm else ()
    return {name: value for name, value in solve.host.options.items() if name not in dropped}


def _start(system: System) -> PETSc.Vec:
    x = system.A.createVecRight()
    if system.guess is not None:
        system.guess.copy(x)
    else:
        x.set(0.0)
    return x


def _residual(system: System, x: PETSc.Vec) -> float:
    """Return ‖b - A x‖₂."""
    r = system.b.duplicate()
    system.A.mult(x, r)
    r.aypx(-1.0, system.b)
    norm = r.norm()
    r.destroy()
    return norm


def _single_level(ksp: PETSc.KSP) -> bool:
    """Whether a multigrid preconditioner found nothing to coarsen, and so has no smoothers."""
    pc = ksp.getPC()
    return pc.getType() in ("mg", "gamg", "ml", "hmg") and pc.getMGLevels() < 2
