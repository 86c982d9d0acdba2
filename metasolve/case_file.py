"""case.toml, whatever it describes: where it is, what it holds, what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from metasolve.errors import did_you_mean
from metasolve.space_file import read_toml

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


def explain(error: ValidationError, keys: Callable[[Sequence[str]], Sequence[str]]) -> str:
    """One line of the first of pydantic's complaints: key, value, remedy.

    Parameters
    ----------
    keys : called with the tables around an unknown key, for the keys that are known there.
    """
    # A misspelt key is also a missing one: the spelling is what to tell.
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    places = [part for part in first["loc"] if isinstance(part, str)]
    key = ".".join(places)
    if first["type"] == "missing":
        return f"{key} is missing; add it"
    if first["type"] == "extra_forbidden":
        return f"{key}={first['input']!r} is unknown; {did_you_mean(places[-1], keys(places[:-1]))}"
    return f"{key}={first['input']!r}: {first['msg']}"
