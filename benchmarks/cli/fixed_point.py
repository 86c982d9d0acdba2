"""``python -m benchmarks fixed-point``: see :mod:`benchmarks.fixed_point`."""

from __future__ import annotations

from pathlib import Path

import typer

from benchmarks.cli.options import Json, Paper, Plot, Seed, Seeds, several, show


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("fixed-point")
    def fixed_point(
        seeds: Seeds = 5,
        seed: Seed = 0,
        paper: Paper = False,
        json_: Json = None,
        plot: Plot = Path("fixed-point.png"),
    ) -> None:
        """Training of whole-number weights from one bit per probe, 16 bits against 8."""
        from benchmarks.fixed_point import run
        from metasolve.cli.progress import Progress

        chosen = several(seeds, seed)
        with Progress() as progress:
            measured = run(chosen, paper=paper, report=progress)
        show(measured, json_, plot)
