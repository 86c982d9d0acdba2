"""The lines of a recording's manifest, checked: whatever a line holds, it is understood or refused.

What JSON has no word for, infinity and NaN, the plug-in writes as null. Keys that are not known are
ignored, as docs/reference/recording.md says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, FiniteFloat, model_validator

from metasolve.model import allowed
from metasolve.petsc.contract import Contract, Kind, Measure
from metasolve.petsc.recorded_solve import Host, HostOutcome, Operator, RecordedSolve, Subspace


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ValueError("leaves the recording directory")
    return name


def _measured(value: Any) -> Any:
    return math.nan if value is None else value


Inside = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_inside)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Positive = Annotated[int, Field(ge=1, le=2**53)]
NotNegative = Annotated[FiniteFloat, Field(ge=0)]
Measured = Annotated[float, BeforeValidator(_measured)]


class SubspaceLine(BaseModel):
    """A null space."""

    constant: bool = False
    vectors: Annotated[int, Field(ge=0, le=1000)] = 0

    def read(self) -> Subspace:
        """As others use it."""
        return Subspace(self.constant, self.vectors)


class OperatorLine(BaseModel):
    """A matrix."""

    hash: Annotated[str, Field(pattern=r"^\w{1,64}$")]
    file: Inside
    rows: Positive
    nnz: Count
    block_size: Positive
    asymmetry: Measured
    layout: Annotated[list[Count], Field(min_length=1)]
    state: int
    several: bool = False
    null: SubspaceLine | None = None
    near: SubspaceLine | None = None

    @model_validator(mode="after")
    def _check_sizes(self) -> OperatorLine:
        if sum(self.layout) != self.rows:
            raise ValueError(f"layout adds up to {sum(self.layout)}, not to rows={self.rows}")
        if any(part % self.block_size for part in self.layout):
            raise ValueError(f"block_size={self.block_size} does not divide layout")
        return self

    def read(self, folder: Path) -> Operator:
        """As others use it."""
        null, near = self.null or SubspaceLine(), self.near or SubspaceLine()
        return Operator(
            hash=self.hash,
            file=folder / self.file,
            rows=self.rows,
            nnz=self.nnz,
            block_size=self.block_size,
            asymmetry=self.asymmetry,
            layout=tuple(self.layout),
            state=self.state,
            several=self.several,
            null=null.read(),
            near=near.read(),
        )


class HostLine(BaseModel):
    """The program's own configuration."""

    ksp_type: str
    pc_type: str
    options: dict[str, str]
    replayable: bool = True
    why: str = ""

    def read(self) -> Host:
        """As others use it; options that would do more than configure a solver are dropped."""
        told = {"ksp_type": self.ksp_type, "pc_type": self.pc_type, **self.options}
        bad = next((name for name, value in told.items() if allowed.is_harmful(name, value)), None)
        if bad is None:
            return Host(self.ksp_type, self.pc_type, self.options, self.replayable, self.why)
        why = self.why or f"{bad}={told[bad]!r} does more than configure a solver"
        return Host(self.ksp_type, self.pc_type, {}, replayable=False, why=why)


class OutcomeLine(BaseModel):
    """How the program's own solve went."""

    reason: int
    iterations: Count
    true_residual: Measured
    setup_seconds: NotNegative
    solve_seconds: NotNegative


class ContractLine(BaseModel):
    """What is asked of an answer."""

    kind: Kind
    measure: Measure
    tolerance: Measured
    own: Measured

    def read(self) -> Contract:
        """As others use it."""
        return Contract(self.kind, self.measure, self.tolerance, self.own)


class SolveLine(BaseModel):
    """One solve."""

    kind: Literal["solve"]
    id: Annotated[str, Field(min_length=1, max_length=200)]
    run: str
    prefix: str
    ranks: Positive
    operator: OperatorLine
    rhs: Inside
    guess: Inside | None
    rtol: NotNegative
    abstol: FiniteFloat
    divtol: FiniteFloat
    max_it: int
    host: HostLine
    features: dict[str, Measured]
    outcome: OutcomeLine
    overhead_seconds: NotNegative = 0.0
    features_seconds: NotNegative = 0.0
    contract: ContractLine | None = None

    def read(self, folder: Path) -> RecordedSolve:
        """As others use it."""
        told = {name: getattr(self, name) for name in _AS_THEY_ARE}
        return RecordedSolve(
            **told,
            operator=self.operator.read(folder),
            rhs=folder / self.rhs,
            guess=None if self.guess is None else folder / self.guess,
            host=self.host.read(),
            outcome=HostOutcome(**self.outcome.model_dump()),
            asked=None if self.contract is None else self.contract.read(),
        )


_AS_THEY_ARE = (
    *("id", "run", "prefix", "ranks", "rtol", "abstol", "divtol", "max_it", "features"),
    *("overhead_seconds", "features_seconds"),
)


class RunLine(BaseModel):
    """One start of the program."""

    kind: Literal["run"]
    format: Literal[1]
    run: str
    petsc: str
    ranks: Positive
    features_version: int
    time: FiniteFloat = 0.0


class SkippedLine(BaseModel):
    """A solve that was not recorded, or the end of recording."""

    kind: Literal["skipped", "stopped"]
    run: str
    why: str
    prefix: str = ""


class LeftLine(BaseModel):
    """Solves without a line of their own, counted when the program ended."""

    kind: Literal["left"]
    run: str
    why: str
    solves: Positive


LINES: Mapping[str, type[BaseModel]] = {
    "run": RunLine,
    "solve": SolveLine,
    "skipped": SkippedLine,
    "stopped": SkippedLine,
    "left": LeftLine,
}


def understand(line: Mapping[str, Any]) -> BaseModel | None:
    """Check a line; None for kinds of lines that are not known.

    Raises
    ------
    pydantic.ValidationError
        If the line is not what its kind asks for.
    """
    kind = line.get("kind")
    known = LINES.get(kind) if isinstance(kind, str) else None
    return None if known is None else known.model_validate(line)
