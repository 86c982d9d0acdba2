"""`Replay`: solves recorded or generated systems in process, under any settings.

A fresh KSP each time, because a live one keeps what earlier settings left in its preconditioner;
the unpreconditioned norm, because settings must not decide what "converged" means; the program's
own tolerances; and the residual recomputed, because some methods report one they do not have.
It stops, goes on and accepts as the plug-in does, so that training sees what production will.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from petsc4py import PETSc

from metasolve.errors import UsageError
from metasolve.petsc import communication, reasons
from metasolve.petsc.attempt import attempt
from metasolve.petsc.generated_solve import GeneratedSolve
from metasolve.petsc.judged import aim_of, as_recorded, judge
from metasolve.petsc.library import plugin
from metasolve.petsc.measurement import NOT_STARTED, Measurement
from metasolve.petsc.models import Models
from metasolve.petsc.options import Options, free_norm, text
from metasolve.petsc.recorded_solve import RecordedSolve
from metasolve.petsc.systems import DEFAULT_BYTES, System, Systems
from metasolve.solve.course import course
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome
from metasolve.solve.solver import Budget, Value

if TYPE_CHECKING:
    from metasolve.space import Space

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
    clock
        Seconds are its differences: wall time, or ``time.process_time`` where others have the
        processor, too. Budgets are of wall time.

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
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if PETSc.ScalarType().dtype not in ("float64", "complex128"):
            raise UsageError("this PETSc has no double-precision scalars: use one that has")
        self._comm = communication.petsc_comm(comm)
        self._space, self._clock = space, clock
        self._systems, self._models = Systems(self._comm, bytes), Models(self._comm)

    def __repr__(self) -> str:
        ranks = self._comm.getSize()
        space = "settings as they are" if self._space is None else repr(self._space)
        return f"<Replay on {ranks} rank{'s' * (ranks != 1)}: {space}>"

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
        _recorded(instance)
        if not settings:
            return self.solve_host(instance)
        if self._space is not None:
            entries = self._space.options(settings)
        else:
            entries = {name: text(value) for name, value in settings.items()}
        return self._attempt(instance, entries, budget, strict=True)

    def solve_host(self, instance: Instance, *, equal_residual: bool = False) -> Outcome:
        """Solve a recorded system as the program itself configures its KSP, without a budget.

        Collective: yes, on comm.

        Parameters
        ----------
        equal_residual
            Stop on the measure in which answers are judged, so that this one is as accurate as
            every other contender's; a direct solve is. Otherwise on the norm that the program
            uses, which may ask for less: an answer that is good enough for the program only is
            `Reason.WRONG_RESIDUAL`.

        Returns
        -------
        Outcome
            What was recorded, with the message ``recorded``, where the configuration needs more
            than a matrix and cannot be rebuilt.
        """
        solve = _recorded(instance)
        if isinstance(solve, RecordedSolve) and not solve.host.replayable:
            return as_recorded(instance, solve)
        if equal_residual and not solve.direct:
            entries = free_norm(solve.host.options)
            return self._attempt(instance, entries, _UNLIMITED, strict=False)
        return self._as_program(instance)

    def solve_with_plugin(
        self, instance: Instance, model: str | os.PathLike[str]
    ) -> tuple[Outcome, dict[str, Any]]:
        """Solve as the program would with the plug-in attached to its KSP; a model is read once.

        Collective: yes, on comm.

        Returns
        -------
        outcome
            Set-up and solve seconds add up to the wall time around KSPSolve: features, decision,
            verification and a fallback are in it. Decision and set-up count as set-up.
        record
            The plug-in's own line of the run log.
        """
        solve = _recorded(instance)
        if not solve.host.replayable:
            raise UsageError(f"instance {instance.id} cannot be replayed: {solve.host.why}")
        system, measured = self._systems.load(solve), Measurement()
        ksp, x = PETSc.KSP().create(self._comm), system.start()
        try:
            with Options(solve.host.options) as options:
                configure(ksp, system, solve, options)
                self._models.attach(ksp, model)
                if isinstance(solve, RecordedSolve) and solve.asked is not None:
                    plugin().tell(ksp, solve.asked)
                system.warm(x)
                began = time.perf_counter()
                ksp.solve(system.b, x)
                seconds = communication.largest(self._comm, time.perf_counter() - began)
            record = communication.from_first(self._comm, plugin().last_record(ksp))
            spent = record.get("seconds", {})
            measured.setup = min(spent.get("decision", 0.0) + spent.get("setup", 0.0), seconds)
            measured.solve = seconds - measured.setup
            measured.reason = int(ksp.getConvergedReason())
            measured.iterations = ksp.getIterationNumber()
            measured.residual = system.residual(x)
        finally:
            ksp.destroy()
            x.destroy()
        return judge(instance, system, measured), record

    def destroy(self) -> None:
        """Free the systems and models kept in memory."""
        self._systems.destroy()
        self._models.destroy()

    # --- one solve -----------------------------------------------------------------------------

    def _as_program(self, instance: Instance) -> Outcome:
        """Solve with the program's own norm and PETSc's own test."""
        solve = _recorded(instance)
        system, measured = self._systems.load(solve), Measurement(clock=self._clock)
        ksp, x = PETSc.KSP().create(self._comm), system.start()
        try:
            with Options(solve.host.options) as options:
                try:
                    configure(ksp, system, solve, options)
                    system.warm(x)
                    measured.set_up(ksp, self._comm)
                    measured.run(ksp, system, x)
                except PETSc.Error as error:
                    measured.error = reasons.message_of(error)
        finally:
            ksp.destroy()
            x.destroy()
        # In the program's norm only the start of a cold solve tells what it aims at.
        if system.guess or system.judge or not measured.history:
            return judge(instance, system, measured)
        outcome = judge(instance, system, measured, solve.rtol * measured.history[0])
        return replace(outcome, course=course(measured.history))

    def _attempt(
        self, instance: Instance, entries: Mapping[str, str], budget: Budget, *, strict: bool
    ) -> Outcome:
        solve = _recorded(instance)
        system, measured = self._systems.load(solve), Measurement(clock=self._clock)
        target = aim_of(solve, system)
        ksp, x = PETSc.KSP().create(self._comm), system.start()
        try:
            with Options(entries) as options:
                try:
                    if system.judge is None:
                        ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
                    configure(ksp, system, solve, options, budget.iterations)
                    target = attempt(ksp, system, x, measured, solve, target, budget)
                except PETSc.Error as error:
                    measured.error = reasons.message_of(error)
                if strict:
                    measured.unused = self._unused(ksp, options, measured)
        finally:
            ksp.destroy()
            x.destroy()
        return judge(instance, system, measured, None if system.judge else target)

    def _unused(self, ksp: PETSc.KSP, options: Options, measured: Measurement) -> tuple[str, ...]:
        """Name the options PETSc did not ask for; those of smoothers are only asked for in use."""
        if measured.reason == NOT_STARTED or measured.error or not measured.iterations:
            return ()
        unused = communication.common(self._comm, options.unused())
        if unused and _is_single_level(ksp):
            unused = [name for name in unused if not name.startswith("mg_levels_")]
        return tuple(unused)


def _recorded(instance: Instance) -> RecordedSolve | GeneratedSolve:
    if not isinstance(instance.payload, RecordedSolve | GeneratedSolve):
        raise UsageError(
            f"instance {instance.id} is not recorded: take it from a Recording or a Family"
        )
    return instance.payload


def configure(
    ksp: PETSc.KSP,
    system: System,
    solve: RecordedSolve | GeneratedSolve,
    options: Options,
    iterations: int | None = None,
) -> None:
    """Give a KSP the options of a solve, then its tolerances."""
    ksp.setOptionsPrefix(options.prefix)
    ksp.setOperators(system.A)
    ksp.setFromOptions()
    # Last, so that no option can loosen what the program asked for.
    most = solve.max_it if iterations is None else min(iterations, solve.max_it)
    ksp.setTolerances(solve.rtol, solve.abstol, solve.divtol, most)
    ksp.setInitialGuessNonzero(system.guess is not None)


def _is_single_level(ksp: PETSc.KSP) -> bool:
    """Whether a multigrid preconditioner found nothing to coarsen, and so has no smoothers."""
    pc = ksp.getPC()
    return pc.getType() in ("mg", "gamg", "ml", "hmg") and pc.getMGLevels() < 2
