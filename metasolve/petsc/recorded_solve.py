"""`RecordedSolve`: one solve of the program, as a line of the manifest describes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from metasolve.petsc.binary import vector_norm
from metasolve.petsc.contract import Contract, Kind, Measure

# Below this an absolute tolerance cannot be the one that decides.
_NO_ABSTOL = 1e-45
_LEAST_TOLERANCE = 1e-300


@dataclass(frozen=True)
class Subspace:
    """A null space or near-null space attached to an operator: constants and/or vectors."""

    constant: bool = False
    vectors: int = 0

    def __bool__(self) -> bool:
        return self.constant or self.vectors > 0


@dataclass(frozen=True)
class Operator:
    """One recorded matrix.

    Parameters
    ----------
    hash
        Of its content; equal operators have one file.
    file
        The matrix in PETSc's binary format; the null and near-null spaces lie next to it.
    rows, nnz
        Global numbers of rows and of stored entries.
    block_size
        Of the host's matrix.
    asymmetry
        ‖A - Aᵀ‖ / ‖A‖ as the plug-in estimates it; 0 for a symmetric matrix.
    layout
        Local rows on each rank of the host.
    state
        Changes when the host changed its operator within a run.
    several
        Of a type for several ranks (``mpiaij``), though the host has one.
    null, near
        What the host attached to it.
    """

    hash: str
    file: Path
    rows: int
    nnz: int
    block_size: int
    asymmetry: float
    layout: tuple[int, ...]
    state: int
    several: bool
    null: Subspace
    near: Subspace

    @property
    def null_file(self) -> Path:
        """Where the vectors of the null space are."""
        return self.file.with_name(f"{self.hash}.null.petsc")

    @property
    def near_file(self) -> Path:
        """Where the vectors of the near-null space are."""
        return self.file.with_name(f"{self.hash}.near.petsc")


@dataclass(frozen=True)
class Host:
    """The program's own configuration: options without prefix, enough to rebuild its KSP."""

    ksp_type: str
    pc_type: str
    options: Mapping[str, str]
    replayable: bool = True
    why: str = ""


@dataclass(frozen=True)
class HostOutcome:
    """What the program's own solve came to: PETSc's reason, ‖b - Ax‖₂ / ‖b‖₂, wall seconds."""

    reason: int
    iterations: int
    true_residual: float
    setup_seconds: float
    solve_seconds: float


@dataclass(frozen=True)
class RecordedSolve:
    """One solve of the program: the system, the tolerances asked for, and how it went."""

    id: str
    run: str
    prefix: str
    ranks: int
    operator: Operator
    rhs: Path
    guess: Path | None
    rtol: float
    abstol: float
    divtol: float
    max_it: int
    host: Host
    features: Mapping[str, float]
    outcome: HostOutcome
    overhead_seconds: float = 0.0
    features_seconds: float = 0.0
    asked: Contract | None = None

    @property
    def measure(self) -> Measure:
        """In which answers are judged."""
        return Measure.NORM if self.asked is None else self.asked.measure

    @property
    def direct(self) -> bool:
        """Whether the program solves with a factorisation."""
        return self.measure is Measure.BACKWARD

    @property
    def parallel(self) -> bool:
        """Whether PETSc's own factorisations need blocks: on several ranks, or of such a type."""
        return self.ranks > 1 or self.operator.several

    @property
    def stops_preconditioned(self) -> bool:
        """Whether the program stops on the norm of the preconditioned residual."""
        return self.asked is not None and self.asked.kind is Kind.PRECONDITIONED

    @property
    def own(self) -> float:
        """The measure of the program's own answer."""
        return self.outcome.true_residual if self.asked is None else self.asked.own

    @cached_property
    def tolerance(self) -> float:
        """What the measure must not exceed; in the 2-norm max(rtol, abstol / ‖b‖₂)."""
        if self.asked is not None and not self.asked.of_program:
            asked = self.asked.tolerance
            return max(asked, _LEAST_TOLERANCE) if math.isfinite(asked) else 1.0
        absolute = 0.0
        if self.abstol > _NO_ABSTOL:
            norm = vector_norm(self.rhs)
            absolute = self.abstol / norm if norm > 0 else 0.0
        tolerance = max(self.rtol, absolute, _LEAST_TOLERANCE)
        return tolerance if math.isfinite(tolerance) else 1.0
