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


class Kind(Enum):
    """When the program's own solve stops, in the plug-in's order."""

    UNPRECONDITIONED = "unpreconditioned"
    PRECONDITIONED = "preconditioned"
    DIRECT = "direct"
    #: a test of the program's own: what is asked for is what its own answer has
    OWN_TEST = "own test"


@dataclass(frozen=True)
class Contract:
    """The plug-in has decided it when it saw the program's own answer.

    Parameters
    ----------
    kind
        When the program's own solve stops.
    measure
        How answers are judged.
    tolerance
        What the measure must not exceed.
    own
        The measure of the program's own answer; NaN where it gave none.
    """

    kind: Kind
    measure: Measure
    tolerance: float
    own: float

    @property
    def of_program(self) -> bool:
        """Whether the tolerances of the KSP say what is asked for."""
        return self.measure is Measure.NORM and self.kind is not Kind.OWN_TEST
