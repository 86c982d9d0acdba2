"""`Outcome`: what one solve came to, and `Reason`: why it ended, in words that help."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any


class Reason(Enum):
    """Why a solve ended. The value is advice: what happened, likely causes, what to change."""

    CONVERGED = "Converged: the recomputed residual is within the application's tolerance."
    WRONG_RESIDUAL = (
        "The solver said converged, but the recomputed residual is above the tolerance. Likely the "
        "recursive or preconditioned residual drifted: use the unpreconditioned norm, another "
        "Krylov method or a better conditioned preconditioner."
    )
    MAX_ITERATIONS = (
        "The iteration limit was reached. The preconditioner is too weak for this instance: "
        "choose a stronger one or raise the limit."
    )
    TIME_BUDGET = (
        "The budget ran out before convergence. These settings are slower than allowed here: "
        "choose others or raise the budget."
    )
    DIVERGED = (
        "The residual grew beyond the divergence tolerance. Likely relaxation or eigenvalue bounds "
        "are wrong for this operator: damp more or choose another smoother."
    )
    BREAKDOWN = (
        "The Krylov method broke down. Likely the operator or preconditioner is indefinite or "
        "non-symmetric where the method needs otherwise: use gmres or another preconditioner."
    )
    NOT_A_NUMBER = (
        "NaN or infinity appeared. Look for zero pivots, zero diagonal entries, or NaN in the "
        "operator or right-hand side."
    )
    SETUP_FAILED = (
        "The preconditioner could not be set up. Likely a zero pivot, an unsupported matrix type "
        "or a package this PETSc was built without."
    )
    ERROR = (
        "The evaluation raised an error; the message says which. Settings that cannot be applied "
        "do not belong in the space."
    )
    CRASHED = (
        "The process that solved it was killed; the message says by which signal. Likely a bug in "
        "the solver that these settings reach: exclude the choice it happens with from the space."
    )

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Outcome:
    """What one solve came to.

    Parameters
    ----------
    reason
        Why it ended.
    iterations
        Whole iterations taken.
    fractional_iterations
        See :func:`fractional`; equal to `iterations` when no history is known.
    true_residual
        ‖b - A x‖₂ / ‖b‖₂, recomputed after the solve.
    setup_seconds, solve_seconds
        Seconds of preconditioner set-up and of the solve proper.
    flops
        Floating-point operations of set-up and solve; 0 when not counted.
    history
        Absolute residual norms, the initial one first; empty when not recorded.
    message
        Free text for people.
    course
        What is kept of the history of a program's own solve: see :mod:`metasolve.solve.course`.
    """

    reason: Reason
    iterations: int
    fractional_iterations: float
    true_residual: float
    setup_seconds: float
    solve_seconds: float
    flops: float = 0.0
    history: tuple[float, ...] = ()
    message: str = ""
    course: tuple[float, ...] = ()

    @classmethod
    def failure(cls, reason: Reason, message: str = "") -> Outcome:
        """Return the outcome of a solve that left nothing to measure."""
        return cls(reason, 0, 0.0, math.inf, 0.0, 0.0, message=message)

    @property
    def ok(self) -> bool:
        """Whether the answer may be used."""
        return self.reason is Reason.CONVERGED

    @property
    def lost(self) -> bool:
        """Whether the evaluation was lost: it crashed, or hung until it was killed.

        Nothing was measured then, neither how wrong the answer is nor what it took.
        """
        ended = self.reason in (Reason.CRASHED, Reason.TIME_BUDGET)
        return ended and not math.isfinite(self.true_residual) and self.solve_seconds == 0.0

    def brief(self) -> Outcome:
        """Return the outcome with the last two norms of its history only.

        A cost asks whether a history was known, not what is in it; this is what is exchanged
        between ranks, logged and kept.
        """
        return self if len(self.history) <= 2 else replace(self, history=self.history[-2:])

    def slowed(self, times: float) -> Outcome:
        """The outcome where everything takes so many times as long."""
        setup, solve = times * self.setup_seconds, times * self.solve_seconds
        return replace(self, setup_seconds=setup, solve_seconds=solve)

    def to_dict(self) -> dict[str, Any]:
        """Strict JSON: non-finite numbers become the texts ``"nan"``, ``"inf"``, ``"-inf"``."""
        return {
            "reason": self.reason.name,
            "iterations": self.iterations,
            "fractional_iterations": _json_number(self.fractional_iterations),
            "true_residual": _json_number(self.true_residual),
            "setup_seconds": _json_number(self.setup_seconds),
            "solve_seconds": _json_number(self.solve_seconds),
            "flops": _json_number(self.flops),
            "history": [_json_number(norm) for norm in self.history],
            "message": self.message,
            **({"course": [_json_number(norm) for norm in self.course]} if self.course else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Outcome:
        """Inverse of :meth:`to_dict`, exact to the last bit."""
        return cls(
            reason=Reason[data["reason"]],
            iterations=int(data["iterations"]),
            fractional_iterations=float(data["fractional_iterations"]),
            true_residual=float(data["true_residual"]),
            setup_seconds=float(data["setup_seconds"]),
            solve_seconds=float(data["solve_seconds"]),
            flops=float(data.get("flops", 0.0)),
            history=tuple(float(norm) for norm in data.get("history", ())),
            message=str(data.get("message", "")),
            course=tuple(float(norm) for norm in data.get("course", ())),
        )


def _json_number(value: float) -> float | str:
    return float(value) if math.isfinite(value) else repr(float(value))


def fractional(history: Sequence[float], target: float) -> float:
    """Count the iterations to reach `target`, continuously.

    log‖r‖ is interpolated linearly between the last iterate above the target and the first one at
    or below it, because an iteration count is a staircase whose difference quotients are useless.

    Parameters
    ----------
    history
        Absolute residual norms, the initial one first.
    target
        Absolute norm to reach.

    Returns
    -------
    float
        In (k - 1, k] where k is the first iterate at or below the target; 0 when the initial
        residual is; ``len(history) - 1`` when none is.
    """
    hit = next((k for k, norm in enumerate(history) if norm <= target), None)
    if hit is None:
        return float(max(len(history) - 1, 0))
    if hit == 0:
        return 0.0
    before, after = history[hit - 1], history[hit]
    if not (math.isfinite(before) and after > 0.0):
        return float(hit)
    return hit - 1 + math.log(before / target) / math.log(before / after)
