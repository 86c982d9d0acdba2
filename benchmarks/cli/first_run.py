"""``python -m benchmarks first-run``: see :mod:`benchmarks.first_run`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from metasolve.cli.arguments import Command


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("first-run")
    def first_run(
        command: Command,
        out: Annotated[
            Path, typer.Option(help="Folder of the state, and of first_run.json and .png.")
        ] = Path("build/first_run"),
        rounds: Annotated[
            int, typer.Option(help="Repetitions; each begins with nothing learned.", min=1)
        ] = 1,
    ) -> None:
        """Time a program alone and twice under `metasolve run`, of which nothing was learned."""
        from benchmarks.first_run import measure
        from metasolve.cli.progress import console

        out.mkdir(parents=True, exist_ok=True)
        found = measure(command, out, rounds)
        for table in found.result.tables():
            console(width=110).print(table)
        (out / "first_run.json").write_text(json.dumps(found.document(), indent=1) + "\n")
        found.plot(out / "first_run.png")
        typer.echo(f"measurements: {out / 'first_run.json'}\nplot: {out / 'first_run.png'}")
