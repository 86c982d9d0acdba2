"""`Guard`: wraps a solver and *is* a solver, never less accurate than the one it wraps.

It refuses instances unlike those learned from, verifies each answer, and falls back to the
reference settings, which are the code's own unless told otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from metasolve.errors import UsageError
from metasolve.farm import Request, attempt
from metasolve.instance import Instance
from metasolve.outcome import Outcome, Reason
from metasolve.solver import Budget, Solver, Value


@dataclass(frozen=True)
class Familiarity:
    """A box in feature space: what the training instances spanned.

    Parameters
    ----------
    names
        Features that count.
    low, high
        Bounds of each, inclusive.

    Raises
    ------
    UsageError
        If the three differ in length.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.low) == len(self.high):
            raise UsageError(
                f"familiarity: {len(self.names)} names, {len(self.low)} low and "
                f"{len(self.high)} high bounds; give one of each per feature"
            )

    def strange(self, features: Mapping[str, float]) -> str:
        """Say what is unfamiliar about the features: one line; empty if nothing is."""
        for name, low, high in zip(self.names, self.low, self.high, strict=True):
            value = features.get(name, math.nan)
            if not low <= value <= high:
                return f"{name}={value:.6g} is outside [{low:.6g}, {high:.6g}]"
        return ""


@dataclass(frozen=True)
class Guard:
    """A solver that tries the given settings and answers for the result.

    Laws: the outcome is as accurate as the instance asks for whenever the reference settings are;
    nothing the wrapped solver raises gets out; seconds and flops include what a failed attempt
    cost.

    Parameters
    ----------
    solver
        What to call.
    reference_settings
        Settings to fall back to, under no budget; empty for the code's own.
    familiar
        Refuse instances outside this box; None accepts all.
    """

    solver: Solver
    reference_settings: Mapping[str, Value] = field(default_factory=dict)
    familiar: Familiarity | None = None

    def solve(self, instance: Instance, settings: Mapping[str, Value], budget: Budget) -> Outcome:
        """Solve within the budget under the settings, or else under the reference settings.

        The message of the outcome starts with ``refused`` or ``fallback`` if the latter, and says
        why.
        """
        strange = "" if self.familiar is None else self.familiar.strange(instance.features)
        if strange:
            return _noted(self._reference(instance), f"refused: {strange}")
        tried = _verified(attempt(self.solver, Request(instance, settings, budget)), instance)
        if tried.ok:
            return tried
        why = f"fallback: {tried.message or tried.reason}"
        return _noted(_charged(self._reference(instance), tried), why)

    def _reference(self, instance: Instance) -> Outcome:
        request = Request(instance, self.reference_settings, Budget())
        return _verified(attempt(self.solver, request), instance)


def _verified(outcome: Outcome, instance: Instance) -> Outcome:
    """Outcome that is not called converged unless its residual says so."""
    if not outcome.ok or instance.accepts(outcome.true_residual):
        return outcome
    found = f"true residual {outcome.true_residual:.3g} above {instance.tolerance:.3g}"
    return replace(outcome, reason=Reason.WRONG_RESIDUAL, message=found)


def _charged(outcome: Outcome, failed: Outcome) -> Outcome:
    """Outcome with the costs of a failed attempt added, and no history: it is of one of two."""
    return replace(
        outcome,
        setup_seconds=outcome.setup_seconds + failed.setup_seconds,
        solve_seconds=outcome.solve_seconds + failed.solve_seconds,
        flops=outcome.flops + failed.flops,
        history=(),
    )


def _noted(outcome: Outcome, note: str) -> Outcome:
    return replace(outcome, message=f"{note}; {outcome.message}" if outcome.message else note)
