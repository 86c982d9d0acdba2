"""Recorded systems in the order of the program, one KSP for each sequence, as the program has it.

`Replay` makes a KSP for each solve, which cannot keep anything. Here the plug-in decides as it does
in a program whether a preconditioner is kept for an operator that has changed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from typing import Any

import numpy as np
from petsc4py import PETSc

from metasolve.petsc.judged import judge
from metasolve.petsc.library import plugin
from metasolve.petsc.measurement import Measurement
from metasolve.petsc.options import Options
from metasolve.petsc.recorded_solve import RecordedSolve
from metasolve.petsc.replay import configure
from metasolve.petsc.systems import System, Systems
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome

_REUSE = "METASOLVE_REUSE"


class How(Enum):
    """Who solves a sequence."""

    OWN = "own"  # the program's own configuration
    ANEW = "anew"  # a model, with a preconditioner built or updated for each operator
    KEPT = "kept"  # a model, whose preconditioners may be kept


def sequences(instances: Sequence[Instance]) -> list[list[Instance]]:
    """Instances that follow each other in one KSP: of one run, prefix, size and configuration."""
    found: dict[Any, list[Instance]] = {}
    for each in instances:
        solve: RecordedSolve = each.payload
        host = tuple(sorted(solve.host.options.items()))
        key = (solve.run, solve.prefix, solve.operator.layout, host)
        found.setdefault(key, []).append(each)
    return [each for each in found.values() if len(each) > 1]


def solve_in_order(
    sequence: Sequence[Instance],
    model: str | os.PathLike[str],
    how: How,
    seen: Callable[[Instance, PETSc.Vec], None] = lambda *_: None,
) -> list[tuple[Outcome, dict[str, Any]]]:
    """Solve the systems of a sequence one after the other; outcomes, and lines of the run log.

    Set-up and solve seconds add up to the wall time around KSPSolve. Each sequence has a prefix,
    and so a class, of its own: no preconditioner passes from one to the next.

    Parameters
    ----------
    seen : called with each answer, which is destroyed then.
    """
    systems, done = Systems(PETSc.COMM_SELF), []
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    A: PETSc.Mat | None = None
    held: tuple[str, int] | None = None
    try:
        with Options(sequence[0].payload.host.options) as options, _reusing(how is not How.ANEW):
            for instance in sequence:
                solve, system = instance.payload, systems.load(instance.payload)
                if A is None:
                    A = _copy(system.A)
                    configure(ksp, replace(system, A=A), solve, options)
                    if how is not How.OWN:
                        plugin().attach(ksp, model)
                elif (solve.operator.hash, solve.operator.state) != held:
                    A = _changed(ksp, A, system.A)
                held = solve.operator.hash, solve.operator.state
                done.append(_solved(ksp, instance, system, how, seen))
    finally:
        ksp.destroy()
        if A is not None:
            A.destroy()
        systems.destroy()
    return done


def _changed(ksp: PETSc.KSP, A: PETSc.Mat, values: PETSc.Mat) -> PETSc.Mat:
    """Give the KSP's operator other values; where their pattern is another, another operator."""
    one, other = A.getRowIJ(), values.getRowIJ()
    if all(np.array_equal(*each) for each in zip(one, other, strict=True)):
        values.copy(A, PETSc.Mat.Structure.SAME_NONZERO_PATTERN)
        return A
    A.destroy()
    A = _copy(values)
    ksp.setOperators(A)
    return A


def _copy(values: PETSc.Mat) -> PETSc.Mat:
    """Return the operator of a KSP, whose values change; `Systems` keeps its own as they are."""
    A = values.duplicate(copy=True)
    null, near = values.getNullSpace(), values.getNearNullSpace()
    if null.handle:
        A.setNullSpace(null)
    if near.handle:
        A.setNearNullSpace(near)
    return A


def _solved(
    ksp: PETSc.KSP,
    instance: Instance,
    system: System,
    how: How,
    seen: Callable[[Instance, PETSc.Vec], None],
) -> tuple[Outcome, dict[str, Any]]:
    solve, measured, x = instance.payload, Measurement(), system.start()
    ksp.setTolerances(solve.rtol, solve.abstol, solve.divtol, solve.max_it)
    ksp.setInitialGuessNonzero(system.guess is not None)
    if how is not How.OWN and solve.asked is not None:
        plugin().tell(ksp, solve.asked)
    system.residual(x)  # into the caches
    began = time.perf_counter()
    ksp.solve(system.b, x)
    seconds = time.perf_counter() - began
    record = {} if how is How.OWN else plugin().last_record(ksp)
    measured.setup = min(record.get("seconds", {}).get("setup", 0.0), seconds)
    measured.solve = seconds - measured.setup
    measured.reason = int(ksp.getConvergedReason())
    measured.iterations = ksp.getIterationNumber()
    measured.residual = system.residual(x)
    seen(instance, x)
    x.destroy()
    return judge(instance, system, measured), record


@contextmanager
def _reusing(on: bool) -> Iterator[None]:
    """Let the plug-in keep preconditioners, or not."""
    before = os.environ.get(_REUSE)
    os.environ[_REUSE] = "on" if on else "off"
    try:
        yield
    finally:
        del os.environ[_REUSE]
        if before is not None:
            os.environ[_REUSE] = before
