"""``python -m benchmarks spry``: see :mod:`benchmarks.spry`."""

from __future__ import annotations

from pathlib import Path

import typer

from benchmarks.cli.options import Json, Paper, Plot, Seed, Seeds, several, show


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("spry")
    def spry(
        seeds: Seeds = 5,
        seed: Seed = 0,
        paper: Paper = False,
        json_: Json = None,
        plot: Plot = Path("spry.png"),
    ) -> None:
        """Settings split over clients: variance by number of blocks, bias of unlike clients."""
        from benchmarks.spry import run
        from metasolve.cli.progress import Progress

        chosen = several(seeds, seed)
        with Progress() as progress:
            measured = run(chosen, paper=paper, report=progress)
        show(measured, json_, plot)
