"""How what was measured is shown: tables on the terminal, the same as JSON, and a plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

if TYPE_CHECKING:
    from metasolve.report.result import Result

Json = Annotated[
    Path | None, typer.Option("--json", help="Write the tables to this file.", show_default=False)
]
Plot = Annotated[Path, typer.Option("--plot", help="Write the plot to this file (png, pdf, svg).")]


class Measured(Protocol):
    """A measurement that was made."""

    @property
    def result(self) -> Result:
        """What was measured."""
        ...

    def plot(self, path: Path) -> None:
        """Draw it."""


def show(measured: Measured, json_: Path | None, plot: Path) -> None:
    """Print the tables, write the files."""
    from rich.console import Console

    console = Console(width=None if Console().is_terminal else 180, soft_wrap=False)
    for table in measured.result.tables():
        console.print(table)
    if json_ is not None:
        json_.parent.mkdir(parents=True, exist_ok=True)
        json_.write_text(json.dumps(measured.result.document(), indent=1) + "\n")
        typer.echo(f"measurements: {json_}")
    measured.plot(plot)
    typer.echo(f"plot: {plot}")
