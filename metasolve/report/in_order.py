"""`InOrder`: what sequences took that were solved in the order of the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from metasolve.report.parts import span


@dataclass(frozen=True)
class InOrder:
    """Sequences, each solved by one KSP, as the program did.

    Attributes
    ----------
    sequences, systems, operators : how many.
    seconds : in all, median over repeats: of the program's own settings (`own`), of the model with
        a preconditioner built or updated for each operator (`anew`), and where it may be kept
        (`kept`).
    failures : systems without an answer, by the same names.
    preconditioners : how often one was kept, updated, built, rebuilt where it might be kept.
    """

    sequences: int
    systems: int
    operators: int
    seconds: Mapping[str, float]
    failures: Mapping[str, int]
    preconditioners: Mapping[str, int]

    def line(self) -> str:
        """In words."""
        if not self.sequences:
            return "in order: no KSP solved more than one of these systems"
        own, anew, kept = (span(self.seconds[name]) for name in ("own", "anew", "kept"))
        missing = sum(self.failures.values())
        told = ", ".join(f"{count} {word}" for word, count in self.preconditioners.items())
        return (
            f"in order, {self.systems} systems, {self.operators} operators: the program's own "
            f"settings take {own}, the model {anew} with a preconditioner for each operator and "
            f"{kept} where it may be kept (preconditioners: {told or 'none of the model'})"
            + (f"; {missing} solves without an answer" if missing else "")
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)
