"""``python -m benchmarks savings``: see :mod:`benchmarks.savings`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from metasolve.cli.arguments import Command


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("savings")
    def savings(
        command: Command,
        out: Annotated[
            Path, typer.Option(help="Folder of states and journals, and of savings.json.")
        ] = Path("build/savings"),
        rounds: Annotated[int, typer.Option(help="Pairs of runs.", min=1)] = 5,
        canary: Annotated[
            float, typer.Option(help="Share of the solves that own settings solve as well.")
        ] = 0.2,
    ) -> None:
        """Compare what `metasolve report` states with pairs of runs: alone, under metasolve."""
        from benchmarks.savings import measure
        from metasolve.cli.progress import console

        out.mkdir(parents=True, exist_ok=True)
        found = measure(command, out, rounds, canary).result
        for table in found.tables():
            console(width=110).print(table)
        (out / "savings.json").write_text(json.dumps(found.document(), indent=1) + "\n")
        typer.echo(f"measurements: {out / 'savings.json'}")
