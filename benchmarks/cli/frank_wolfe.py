"""``python -m benchmarks frank-wolfe``: see :mod:`benchmarks.frank_wolfe`."""

from __future__ import annotations

from pathlib import Path

import typer

from benchmarks.cli.options import Json, Paper, Plot, Seed, Seeds, several, show


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("frank-wolfe")
    def frank_wolfe(
        seeds: Seeds = 5,
        seed: Seed = 0,
        paper: Paper = False,
        json_: Json = None,
        plot: Plot = Path("frank-wolfe.png"),
    ) -> None:
        """Frank-Wolfe on the simplex with exact, naive and averaged forward gradients."""
        from benchmarks.frank_wolfe import run
        from metasolve.cli.progress import Progress

        chosen = several(seeds, seed)
        with Progress() as progress:
            measured = run(chosen, paper=paper, report=progress)
        show(measured, json_, plot)
