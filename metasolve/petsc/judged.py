"""What was measured, or recorded, of a solve, as its outcome."""

from __future__ import annotations

from metasolve.petsc import reasons
from metasolve.petsc.contract import Measure
from metasolve.petsc.generated_solve import GeneratedSolve
from metasolve.petsc.measurement import Measurement
from metasolve.petsc.recorded_solve import RecordedSolve
from metasolve.petsc.systems import System
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason, fractional


def as_recorded(instance: Instance, solve: RecordedSolve) -> Outcome:
    """Return what the program's own solve was, measured against what is asked of it."""
    seen = solve.outcome
    good = instance.accepts(solve.own)
    reason = Reason.CONVERGED if good else reasons.of_code(seen.reason)[0]
    count, spent = seen.iterations, (seen.setup_seconds, seen.solve_seconds)
    return Outcome(reason, count, float(count), solve.own, *spent, message="recorded")


def aim_of(solve: RecordedSolve | GeneratedSolve, system: System) -> float:
    """Return the measure that an answer must come down to, not relative to anything."""
    if isinstance(solve, RecordedSolve) and solve.asked and not solve.asked.of_program:
        return solve.tolerance * system.zero
    if solve.measure is not Measure.NORM:
        return solve.rtol * system.zero
    return max(solve.rtol * system.norm, solve.abstol)


def judge(
    instance: Instance, system: System, measured: Measurement, aim: float | None = None
) -> Outcome:
    """Make an outcome; `aim` is the norm at which the method stopped, where it is known."""
    residual = measured.residual / system.zero if system.zero > 0 else measured.residual
    reason, message = reasons.explain(measured, instance.accepts(residual))
    whole = measured.iterations
    partial = float(whole)
    if aim is not None and measured.reason > 0 and whole and len(measured.history) > 1:
        partial = whole - 1 + min(fractional(measured.history[-2:], aim), 1.0)
    spent = (measured.setup, measured.solve, measured.flops)
    return Outcome(reason, whole, partial, residual, *spent, measured.history, message)
