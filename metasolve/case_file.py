"""case.toml, whatever it describes: where it is and what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
