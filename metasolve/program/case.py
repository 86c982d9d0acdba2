"""`Case`: a program to accelerate, as case.toml describes it. No Python is needed to write one.

What varies from run to run (``[[vary]]``) and what may be set (``[space]``) are written alike, in
the format of `metasolve.space.written`; `case_file` reads it. The manual's list of keys
(docs/reference/case-keys.md) is made from the fields here.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from metasolve.errors import UsageError
from metasolve.files.complaint import explain
from metasolve.space import Space


def _words(value: Any) -> Any:
    return shlex.split(value) if isinstance(value, str) else value


Words = Annotated[list[str], BeforeValidator(_words)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Input(_Table):
    """A file that the program reads; each run gets its own, next to it in its own directory."""

    file: str = Field(description="The program's own file, relative to case.toml.")
    format: Literal["copy", "template", "namelist", "keys"] = Field(
        "copy",
        description="How values get in: not at all, in place of {name}, as variables of a "
        "namelist, as those of lines of key = value.",
    )
    group: str | None = Field(None, description="Namelist group of variables not in the file yet.")
    text: str | None = Field(
        None, description="Content of a template, namelist or keys; read from file."
    )

    @property
    def name(self) -> str:
        """File name without folders, which is what the run sees."""
        return Path(self.file).name


class Settings(_Table):
    """How those settings travel that are no {name} anywhere."""

    through: Literal["petsc", "flags", "environment"] | None = Field(
        None, description="How settings travel that have no place: PETSC_OPTIONS, words, variables."
    )
    flag: str = Field("-{name} {value}", description="Words of one setting sent as a flag.")


class Reading(_Table):
    """Where a number or several are found after a run."""

    pattern: str | None = Field(None, description="Regular expression on stdout, one group.")
    csv: str | None = Field(None, description="CSV file in the run's directory.")
    json_: str | None = Field(None, alias="json", description="JSON file in the run's directory.")
    key: str | None = Field(None, description="Column of the CSV, or dotted key of the JSON.")
    take: Literal["last", "sum", "max"] = Field(
        "last", description="What counts of several numbers."
    )


class CostReading(Reading):
    """What a run costs: its wall time unless told otherwise."""

    time: Literal["wall", "cpu"] | None = Field(
        None, description="Time of the run, start included; default: wall."
    )
    petsc_log: str | None = Field(
        None, description="Event of PETSc's log, such as SNESSolve: seconds of the slowest rank."
    )
    unit: Literal["seconds", "count"] = Field(
        "seconds", description="A count is noise-free: iterations, evaluations."
    )


class Success(_Table):
    """What a run must show to have succeeded."""

    exit_code: int = Field(0, description="What the program must exit with.")
    pattern: str | None = Field(None, description="Regular expression that stdout must match.")
    failure: str | None = Field(None, description="Regular expression that it must not match.")


class Accept(_Table):
    """The answer must be that of the run under the program's own settings."""

    pattern: str | None = Field(None, description="Regular expression on stdout; groups: numbers.")
    file: str | None = Field(None, description="File of numbers, or a PETSc vector.")
    tolerance: float = Field(gt=0, description="On ‖answer - own‖₂ / ‖own‖₂.")


class Train(_Table):
    """Options of training, where the command line gives none: fields of `TrainConfig`."""

    optimizer: str | None = Field(
        None, description="What learns: a policy, or one mixture of settings; default: adam."
    )
    estimator: str | None = Field(
        None, description="How differences become a gradient; default: auto."
    )
    tangents: int | None = Field(
        None, description="Perturbed runs per instance and step; default: auto's choice."
    )
    tangent_kind: str | None = Field(
        None, description="Distribution of the perturbations; default: orthogonal."
    )
    control_variate: str | None = Field(
        None, description="Correct the surrogate's gradient, or not; default: surrogate."
    )


class Case(_Table):
    """A program, what varies, what may be set, what it costs, what success means."""

    name: str = Field(description="Of the case; default: its folder's.")
    command: Words = Field(min_length=1, description="Words or a line; never given to a shell.")
    build: Words = Field(
        [], description="How to build the program: shown when it is not found, never run."
    )
    directory: Path = Field(Path(), description="Of case.toml; relative paths start here.")
    vary: list[dict[str, Any]] = Field(
        [], description="What varies from run to run, written as settings."
    )
    runs: str | None = Field(
        None, description="CSV file of past runs, one column per name: its rows are the instances."
    )
    columns: list[str] = Field([], description="Of that file; read from it.")
    input: list[Input] = Field([], description="Files the program reads.")
    environment: dict[str, str] = Field({}, description="Variables to add; {name} is replaced.")
    settings: Settings = Settings()
    space_: dict[str, Any] | str = Field(
        {"setting": []}, alias="space", description="What may be set, or a file of it."
    )
    cost: CostReading = CostReading()
    success: Success = Success()
    accept: Accept | None = None
    train: Train = Train()
    timeout: float = Field(600.0, gt=0, description="Seconds that any run may take.")
    rerunnable: bool = Field(False, description="Whether a failed run may simply be run again.")

    @cached_property
    def space(self) -> Space:
        """What may be set."""
        if isinstance(self.space_, str):
            return Space.from_toml(self.path(self.space_))
        return Space.from_dict(self.space_)

    @cached_property
    def varies(self) -> Space:
        """What varies, as far as ``[[vary]]`` declares it."""
        return Space.from_dict({"setting": self.vary})

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Case:
        """A copy with some fields changed, and what was made of the old ones forgotten."""
        copy = super().model_copy(update=update, deep=deep)
        for name in ("space", "varies"):
            copy.__dict__.pop(name, None)
        return copy

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Case:
        """Inverse of :meth:`to_dict`.

        Raises
        ------
        UsageError
            If anything is missing, unknown or invalid; one line naming key, value and remedy.
        """
        try:
            case = cls.model_validate(data)
        except ValidationError as error:
            raise UsageError(explain(error, _keys)) from error
        return case

    def to_dict(self) -> dict[str, Any]:
        """JSON form: all that production needs."""
        return self.model_dump(mode="json", by_alias=True)

    def path(self, file: str) -> Path:
        """A file named in the case."""
        return self.directory / file


def _keys(places: Sequence[str]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "input": Input,
        "settings": Settings,
        "cost": CostReading,
        "success": Success,
        "accept": Accept,
        "train": Train,
    }
    model = tables.get(places[0], Case) if places else Case
    hidden = {"directory", "text", "columns"}
    return [field.alias or name for name, field in model.model_fields.items() if name not in hidden]
