"""``metasolve inspect``: what is in a recording or in a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from metasolve.cli.arguments import Json
from metasolve.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def inspect(
        directory: Annotated[
            Path, typer.Argument(help="Recording or model directory.", show_default=False)
        ],
        json_: Json = False,
    ) -> None:
        """Describe a recording or a model."""
        description = describe(directory)
        typer.echo(json.dumps(description, indent=1) if json_ else _readable(description))


def describe(directory: Path) -> dict[str, Any]:
    """Return what is in a directory.

    Raises
    ------
    UsageError
        If it is neither a recording nor a model.
    """
    from metasolve.petsc import description
    from metasolve.petsc.recording import MANIFEST, Recording

    if (directory / MANIFEST).is_file():
        return description.of_recording(Recording(directory))
    if (directory / "model.json").is_file() or (directory / "policy.txt").is_file():
        return description.of_model(directory)
    raise UsageError(
        f"{directory} is neither a recording ({MANIFEST}) nor a model (model.json): "
        "make one with metasolve record or metasolve train"
    )


def _readable(entry: Any, indent: int = 0) -> str:
    space = "  " * indent
    if isinstance(entry, dict) and entry:
        return "\n".join(
            f"{space}{key}: {value}"
            if not isinstance(value, (dict, list)) or not value
            else f"{space}{key}:{_flat(value) or chr(10) + _readable(value, indent + 1)}"
            for key, value in entry.items()
        )
    if isinstance(entry, list) and entry:
        return "\n".join(f"{space}-{_flat(value) or ' ' + str(value)}" for value in entry)
    return f"{space}{entry}"


def _flat(entry: Any) -> str:
    """Return a small entry on one line, nothing for one that needs several."""
    if isinstance(entry, list):
        simple = all(not isinstance(value, (dict, list)) for value in entry)
        return " " + " ".join(map(str, entry)) if simple else ""
    if isinstance(entry, dict) and all(not isinstance(v, (dict, list)) for v in entry.values()):
        line = "  ".join(f"{key} {value}" for key, value in entry.items())
        return f" {line}" if len(line) < 100 else ""
    return ""
