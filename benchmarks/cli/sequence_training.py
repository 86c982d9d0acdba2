"""``python -m benchmarks sequence-training``: see :mod:`benchmarks.sequence_training`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import Json, Seed, Seeds, several


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("sequence-training")
    def sequence_training(
        calls: Annotated[int, typer.Option(help="Solver calls of a training.", min=16)] = 400,
        seeds: Seeds = 1,
        seed: Seed = 1,
        repeats: Annotated[int, typer.Option(help="Repetitions of a sequence.", min=1)] = 3,
        out: Annotated[
            Path | None, typer.Option(help="Keeps what is finished; the same command goes on.")
        ] = None,
        json_: Json = None,
    ) -> None:
        """Train on sequences with and without their order, and solve unseen ones."""
        from benchmarks.sequence_training import run
        from metasolve.cli.progress import Progress, console

        with Progress() as progress:
            result = run(calls, several(seeds, seed), repeats, out, progress)
        for table in result.tables():
            console(width=150).print(table)
        if json_ is not None:
            json_.write_text(json.dumps(result.document(), indent=1) + "\n")
