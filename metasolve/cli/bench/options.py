"""Options that benchmarks share, and how a result is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from metasolve.errors import UsageError

if TYPE_CHECKING:
    from metasolve.bench.result import Result

Seeds = Annotated[int, typer.Option("--seeds", help="Repetitions; their spread is shown.")]
Seed = Annotated[int, typer.Option("--seed", help="The first of these seeds.")]
Json = Annotated[
    Path | None, typer.Option("--json", help="Write the tables to this file.", show_default=False)
]
Plot = Annotated[Path, typer.Option("--plot", help="Write the plot to this file (png, pdf, svg).")]
Recorded = Annotated[Path, typer.Argument(help="Recording directory.", show_default=False)]
SpaceFile = Annotated[Path, typer.Option("--space", help="What may be set (toml).")]
Paper = Annotated[bool, typer.Option("--paper", help="The published size, which takes longer.")]


class Measured(Protocol):
    """A benchmark that ran."""

    result: Result

    def plot(self, path: Path) -> None:
        """Draw it."""


def several(seeds: int, seed: int) -> range:
    """The seeds to run with.

    Raises
    ------
    UsageError
        If there are none, or negative ones.
    """
    if seeds < 1 or seed < 0:
        raise UsageError(f"--seeds {seeds} --seed {seed}: give at least 1 seed, from 0 on")
    return range(seed, seed + seeds)


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
