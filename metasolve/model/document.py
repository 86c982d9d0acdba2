"""model.json: what it may hold, checked in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from metasolve.errors import ModelError
from metasolve.files.atomic import read_regular
from metasolve.files.complaint import explain
from metasolve.files.strict_json import parse_object
from metasolve.model.layer import Activation

FORMAT = 5
CONSTANT = "constant"
MODEL = "model.json"
_FileName = Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
_Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GateEntry(_Table):
    """What is not in the weights of a gate."""

    activations: list[Activation]
    level: FiniteFloat
    patience: FiniteFloat


class Small(_Table):
    """Systems that are not looked at."""

    least_rows: _Count
    look: FiniteFloat


class _Document(BaseModel):
    """What every model.json has; further entries are told about a training."""

    model_config = ConfigDict(extra="allow", frozen=True)
    format: int
    petsc: str | None = None
    checksums: dict[_FileName, str]
    # What others read of the training; there are models without.
    calls: dict[str, _Count] = {"train": 0}
    cap: FiniteFloat = 0.0
    case: dict[str, Any] = {}
    expected: list[FiniteFloat] = []
    features_version: int = 0
    instances: list[dict[str, Any]] = []
    measure: str = ""
    prefix: str | None = None
    ran_on: dict[str, Any] = {}
    recordings: list[str] | None = None
    solver_seconds: FiniteFloat = 0.0
    trained_on: list[str] = []
    validation: dict[str, Any] = {}
    wall_seconds: FiniteFloat | None = None
    winner: str | None = None


class Learned(_Document):
    """Of a model that was trained."""

    kind: Literal["policy", "global", "default"]
    features: list[str]
    space: dict[str, Any]
    activations: list[Activation] = Field(min_length=1)
    gate: GateEntry | None
    small: Small


class Pinned(_Document):
    """Of constant settings: `metasolve pin`."""

    kind: Literal["constant"]
    settings: dict[str, str]


class Info(dict[str, Any]):
    """Further entries of model.json; one that is needed and missing is said in one line."""

    def __missing__(self, key: str) -> NoReturn:
        raise ModelError(f"model.json: {key!r} is missing: train again")


def read_document(directory: Path) -> tuple[Learned | Pinned, dict[str, Any]]:
    """Read and check model.json: its own entries, and all of it as it is.

    Raises
    ------
    ModelError
        If there is none, or it is not what it should be; names file, key and remedy.
    """
    path = directory / MODEL
    if not path.exists():
        unfinished = (directory / "events.jsonl").exists()
        remedy = "run metasolve train again to finish it" if unfinished else "train one first"
        raise ModelError(f"{directory}: no model.json here: {remedy}")
    try:
        found = parse_object(read_regular(path))
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}: train again") from error
    except ValueError as error:
        raise ModelError(f"{path}: truncated or not JSON ({error}): train again") from error
    if found.get("format", FORMAT) != FORMAT:
        raise ModelError(
            f"{path}: format {found['format']!r} is not {FORMAT}: "
            "use the metasolve that wrote it, or train again"
        )
    kind = Pinned if found.get("kind") == CONSTANT else Learned
    try:
        return kind.model_validate(found), found
    except ValidationError as error:
        told = explain(error, lambda _: list(kind.model_fields))
        raise ModelError(f"{path}: {told}: train again") from error


def own_keys(document: Learned | Pinned) -> set[str]:
    """Entries that are the directory's business; the others are told of a model as `info`."""
    told = {*_Document.model_fields} - {"format", "checksums"}
    return set(type(document).model_fields) - told
