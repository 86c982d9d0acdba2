"""`Contract`: what a recorded program asks of an answer, and in which measure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Measure(Enum):
    """How an answer x of A x = b is measured, in the plug-in's order; D is the diagonal of A.

    All are relative to their value at x = 0.
    """

    #: ‖b - A x‖₂ / ‖b‖₂
    NORM = "norm"
    #: ‖D⁻¹ (b - A x)‖₂ / ‖D⁻¹ b‖₂: rows in different units, boundary rows that were kept
    ROWS = "rows"
    #: ‖b - A x‖∞ / (‖A‖∞ ‖x‖∞ + ‖b‖∞): how exact a direct solution is
    BACKWARD = "backward"


@dataclass(frozen=True)
class Contract:
    """The plug-in has decided it when it saw the program's own answer.

    Parameters
    ----------
    measure
        How answers are judged.
    tolerance
        What the measure must not exceed.
    own
        The measure of the program's own answer; NaN where it gave none.
    """

    measure: Measure
    tolerance: float
    own: float
