"""``python -m benchmarks parity``: see :mod:`benchmarks.parity`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import Json, Recorded


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("parity")
    def parity(
        recording: Recorded,
        model: Annotated[Path, typer.Argument(help="Model directory.", show_default=False)],
        most: Annotated[int, typer.Option(help="Systems to compare.", min=1)] = 50,
        largest: Annotated[int, typer.Option(help="Rows of the largest of them.", min=1)] = 60_000,
        json_: Json = None,
    ) -> None:
        """Errors of a model's answers over the program's own, or what its tolerance stands for."""
        from benchmarks.parity import run
        from metasolve.cli.progress import Progress, console

        with Progress() as progress:
            result = run(recording, model, most=most, largest=largest, report=progress)
        for table in result.tables():
            console(width=150).print(table)
        if json_ is not None:
            json_.write_text(json.dumps(result.document(), indent=1) + "\n")
