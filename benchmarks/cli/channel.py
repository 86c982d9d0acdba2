"""``python -m benchmarks channel``: see :mod:`benchmarks.channel`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import Json, Plot, Seed, Seeds, several, show


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("channel")
    def channel(
        case: Annotated[Path, typer.Argument(help="The case of the channel program.")] = Path(
            "problems/channel/case.toml"
        ),
        seeds: Seeds = 5,
        seed: Seed = 0,
        steps: Annotated[int, typer.Option(help="Steps of training.", min=1)] = 100,
        json_: Json = None,
        plot: Plot = Path("channel.png"),
    ) -> None:
        """A wall-stress closure trained through the program, against laws and regression."""
        from benchmarks.channel import run
        from metasolve.cli.progress import Progress

        chosen = several(seeds, seed)
        with Progress() as progress:
            measured = run(case, chosen, steps=steps, report=progress)
        show(measured, json_, plot)
