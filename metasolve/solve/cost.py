"""`Cost`: what an outcome costs relative to the code's own defaults, as one number to minimise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from metasolve.errors import UsageError
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome
from metasolve.solve.reuse import LONGEST, Reuse

Measure = Literal["seconds", "iterations", "flops"]
"""What of an outcome a cost counts."""

# Below these a measurement says nothing: timer resolution, a tenth of an iteration, one flop.
_FLOORS = {"seconds": 1e-7, "iterations": 0.1, "flops": 1.0}
# How far above log(cap) a success can get; less than the 1 at which failures begin.
_HEADROOM = 0.9
# As production has it (keep.c): a set-up that takes less of a solve is not spared; and the
# reductions of a residual that its rule is asked for.
_LITTLE, _LEAST, _MOST = 0.05, 1e-15, 0.5


@dataclass(frozen=True)
class Cost:
    """Cost of an outcome: log of the ratio to what the code's own defaults take.

    A success costs ``log(t / reference)``. Above ``log(cap)`` it bends smoothly and stays below
    ``log(cap) + 0.9``. A failure costs ``log(cap) + 1`` plus a tenth of the decades by which its
    true residual misses the tolerance (at most 10 decades), so that failing early is never cheaper
    than converging slowly and the less wrong failure is the better one.

    Parameters
    ----------
    measure
        ``"seconds"``: set-up (the share this solve pays) plus solve, the solve scaled by
        fractional / whole iterations where a residual history is known, and in the cost also
        what the decision takes, which the code's own defaults do not need, and less where the
        set-up serves several operators of a sequence (:meth:`in_sequence`); ``"iterations"``:
        fractional iterations; ``"flops"``.
    cap
        Ratio to the reference beyond which slower hardly matters; greater than 1.

    Raises
    ------
    UsageError
        If the measure is unknown or the cap not above 1.
    """

    measure: Measure = "seconds"
    cap: float = 5.0

    def __post_init__(self) -> None:
        if self.measure not in _FLOORS:
            raise UsageError(
                f"measure={self.measure!r} is unknown; use one of {', '.join(_FLOORS)}"
            )
        if not (self.cap > 1.0 and math.isfinite(self.cap)):
            raise UsageError(f"cap={self.cap!r} is not above 1; 5 is a good start")

    def quantity(self, outcome: Outcome, instance: Instance) -> float:
        """Return what is measured: positive seconds, iterations or flops; NaN if it was not.

        Of the code's own defaults, this is the `reference` of a call.
        """
        measured = _MEASURES[self.measure](outcome, instance)
        return measured if math.isnan(measured) else max(measured, _FLOORS[self.measure])

    def in_sequence(self, outcome: Outcome, instance: Instance) -> float:
        """Return the same where settings are chosen: their set-up may serve several operators.

        Seconds are those that production's own rule expects of a solve, builds included, where the
        operator goes on moving as it does in the recorded sequence.
        """
        measured = self.quantity(outcome, instance)
        setup = instance.setup_share * outcome.setup_seconds
        if self.measure != "seconds" or instance.drift is None or not outcome.ok:
            return measured
        if not (math.isfinite(measured) and setup > _LITTLE * measured):
            return measured
        rule = Reuse(min(max(instance.tolerance, _LEAST), _MOST))
        rule.rate = instance.drift.moved
        rule.built(setup, measured - setup, max(outcome.fractional_iterations, 1.0))
        return rule.average(min(instance.drift.operators, LONGEST))

    def __call__(self, outcome: Outcome, instance: Instance, reference: float) -> float:
        """Cost of `outcome` on `instance`: finite, whatever was measured.

        Parameters
        ----------
        reference
            :meth:`quantity` of the code's own defaults on this instance.

        Raises
        ------
        UsageError
            If the reference is not positive and finite.
        """
        if not (reference > 0.0 and math.isfinite(reference)):
            raise UsageError(
                f"instance {instance.id}: reference={reference!r} is not a positive "
                f"{self.measure}; measure the code's own defaults first"
            )
        measured = self.in_sequence(outcome, instance)
        if self.measure == "seconds":
            measured += instance.setup_share * instance.decision_seconds
        if not outcome.ok or math.isnan(measured):
            return self._failure(outcome, instance)
        if math.isinf(measured):
            return math.log(self.cap) + _HEADROOM
        return self._success(math.log(measured) - math.log(reference))

    def _success(self, log_ratio: float) -> float:
        limit = math.log(self.cap)
        if log_ratio <= limit:
            return log_ratio
        return limit + _HEADROOM * -math.expm1((limit - log_ratio) / _HEADROOM)

    def _failure(self, outcome: Outcome, instance: Instance) -> float:
        worst = math.log(self.cap) + 2.0
        if not math.isfinite(outcome.true_residual):
            return worst
        missed = max(outcome.true_residual, 1e-300) / instance.tolerance
        decades = math.log10(missed) if math.isfinite(missed) else math.inf
        return worst - 1.0 + min(max(decades / 10.0, 0.0), 1.0)


def _seconds(outcome: Outcome, instance: Instance) -> float:
    part = 1.0
    if outcome.history and outcome.iterations >= 1:
        part = min(max(outcome.fractional_iterations / outcome.iterations, 0.0), 1.0)
    return instance.setup_share * outcome.setup_seconds + part * outcome.solve_seconds


def _iterations(outcome: Outcome, _: Instance) -> float:
    return outcome.fractional_iterations


def _flops(outcome: Outcome, _: Instance) -> float:
    return outcome.flops


_MEASURES = {"seconds": _seconds, "iterations": _iterations, "flops": _flops}
