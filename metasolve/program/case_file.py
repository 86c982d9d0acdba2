"""case.toml, whatever it describes: where it is and what it holds."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metasolve.errors import ModelError, UsageError
from metasolve.program.case import Case, Input
from metasolve.program.consistency import check
from metasolve.space import Space
from metasolve.space.written import read_toml

if TYPE_CHECKING:
    from metasolve.model.model import Model

FILE = "case.toml"


def located(path: str | Path) -> Path:
    """The case file itself, where a path may be its folder."""
    path = Path(path)
    return path / FILE if path.is_dir() else path


def read(path: str | Path) -> dict[str, Any]:
    """What a case file holds, with its folder as `directory` and as `name` unless it has one.

    Raises
    ------
    SpaceError
        If it cannot be read or is not TOML.
    """
    path = located(path)
    directory = path.absolute().parent
    return {"name": directory.name, **read_toml(path), "directory": directory}


def read_case(path: str | Path) -> Case:
    """Read and check the case of a program; its inputs and its space file become part of it.

    Raises
    ------
    UsageError
        If anything is missing, unknown or invalid; one line naming key, value and remedy.
    """
    path = located(path)
    try:
        data = read(path)
        _refuse_family(data)
        case = _with_files(Case.from_dict(data))
        check(case)
    except UsageError as error:
        raise UsageError(f"case {path}: {error}") from error
    return case


def _refuse_family(data: dict[str, Any]) -> None:
    if "problem" in data:
        raise UsageError(
            f"problem={data['problem']!r}: generated systems, not a program; "
            "in a clone: python -m benchmarks families"
        )


def _with_files(case: Case) -> Case:
    """The case with what its files hold."""
    inputs = [_with_text(case, each) for each in case.input]
    space = case.space_
    if isinstance(space, str):
        space = Space.from_toml(case.path(space)).to_dict()
    told = {"input": inputs, "space_": space, "columns": _columns(case)}
    return case.model_copy(update=told)


def _columns(case: Case) -> list[str]:
    if case.runs is None:
        return []
    try:
        with case.path(case.runs).open(newline="") as file:
            return [name.strip() for name in next(csv.reader(file), [])]
    except (OSError, csv.Error) as error:
        raise UsageError(f"runs={case.runs!r}: {error}; give a readable CSV file") from error


def _with_text(case: Case, each: Input) -> Input:
    try:
        if each.format == "copy":
            case.path(each.file).stat()
            return each
        return each.model_copy(update={"text": case.path(each.file).read_text()})
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text"
        raise UsageError(f"input.file={each.file!r}: {why}; give a file next to it") from error


def is_case(path: Path) -> bool:
    """Whether a path is a case file, or a folder with one."""
    return path.suffix == ".toml" or (path / FILE).is_file()


def case_of(model: Model) -> Case:
    """The case a model was trained on.

    Raises
    ------
    ModelError
        If it was trained on a recording, or its case is none.
    """
    if "case" not in model.info:
        raise ModelError(
            f"{model.directory}: trained on a recording, not on a program; train on a case.toml"
        )
    try:
        case = Case.from_dict(model.info["case"])
        check(case)
    except UsageError as error:
        raise ModelError(f"{model.directory}: case: {error}; train again") from error
    return case
