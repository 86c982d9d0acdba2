"""`Instance`: one problem to solve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metasolve.errors import UsageError

SLACK = 1.001
"""Rounding allowed between the residual that a method carries along and the recomputed one."""


@dataclass(frozen=True)
class Drift:
    """How the operator of a KSP changes in the sequence that an instance belongs to.

    Attributes
    ----------
    moved : by how much from one operator to the next, on average, as the plug-in's ``change.h`` has
        it: 0 where it is only scaled, or assembled again.
    operators : how many there are.
    """

    moved: float
    operators: int


@dataclass(frozen=True)
class Instance:
    """One problem to solve: named features, and whatever the solver needs to solve it.

    Parameters
    ----------
    id
        Unique within its recording or problem family.
    features
        Name to number; what the meta-model sees.
    setup_share
        Share of one set-up that each solve pays, in [0, 1]: 1 / (number of solves with the same
        operator).
    payload
        For the solver's eyes only.
    decision_seconds
        What choosing settings costs a solve before any is made: the features, mostly.
    tolerance
        Relative residual ‖b - A x‖₂ / ‖b‖₂ the application asks for, absolute tolerance included:
        max(rtol, abstol / ‖b‖₂).
    expected_seconds
        What set-up and solve took when the instance was recorded; 0 where nobody knows. Orders
        work, and says when a solve must be hanging.
    drift
        Of its sequence, in which a set-up may serve several operators; None where it has none.

    Raises
    ------
    UsageError
        If `setup_share` or `tolerance` is out of range.
    """

    id: str
    features: Mapping[str, float]
    setup_share: float = 1.0
    payload: Any = None
    tolerance: float = 1e-5
    decision_seconds: float = 0.0
    expected_seconds: float = 0.0
    drift: Drift | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.setup_share <= 1.0:
            raise UsageError(
                f"instance {self.id}: setup_share={self.setup_share!r} is not in [0, 1]; "
                "give 1 / number of solves with this operator"
            )
        if not (self.tolerance > 0.0 and math.isfinite(self.tolerance)):
            raise UsageError(
                f"instance {self.id}: tolerance={self.tolerance!r} is not positive; "
                "give the relative residual the application asks for"
            )

    def accepts(self, residual: float) -> bool:
        """Whether a recomputed ‖b - A x‖₂ / ‖b‖₂ is within the tolerance; NaN is not."""
        return residual <= SLACK * self.tolerance
