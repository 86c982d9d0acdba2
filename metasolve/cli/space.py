"""``metasolve space``: the settings that training would try."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metasolve.cli.arguments import Json

if TYPE_CHECKING:
    from metasolve.space import Space


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def space(
        recording: Annotated[
            Path, typer.Argument(metavar="RECORDING", help="Recording directory.")
        ],
        json_: Json = False,
    ) -> None:
        """Print the settings that training on RECORDING would try, as a file for --space."""
        from metasolve.petsc.recording import Recording
        from metasolve.petsc.spaces import default_space

        chosen = default_space(Recording(recording))
        typer.echo(json.dumps(chosen.to_dict(), indent=1) if json_ else to_toml(chosen), nl=False)


def to_toml(space: Space) -> str:
    """Write a space as `Space.from_toml` reads it."""
    data = space.to_dict()
    settings, choices = len(space.settings), len(space.arms())
    told = f"# {settings} setting{'s' * (settings != 1)}"
    lines = [f"{told}, {choices} joint choices" if choices > 1 else told]
    for entry in data["setting"]:
        said = {key: value for key, value in entry.items() if value != {}}  # no condition
        lines += ["", "[[setting]]", *(f"{key} = {_value(value)}" for key, value in said.items())]
    if data["fixed"]:
        lines += ["", "[fixed]"]
        lines += [f"{_value(key)} = {_value(value)}" for key, value in data["fixed"].items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)
