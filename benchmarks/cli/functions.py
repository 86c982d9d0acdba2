"""``python -m benchmarks functions``: gradient estimators on test functions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import Json, Paper, Plot, Seed, Seeds, several, show


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command()
    def functions(
        seeds: Seeds = 5,
        seed: Seed = 0,
        paper: Paper = False,
        steps: Annotated[
            int | None,
            typer.Option(
                help="Steps of Adam with control variates; default: 500, published: 50000.",
                show_default=False,
                min=1,
            ),
        ] = None,
        out: Annotated[
            Path | None,
            typer.Option(
                help="Keeps what is finished; a killed benchmark goes on there.",
                show_default=False,
            ),
        ] = None,
        json_: Json = None,
        plot: Plot = Path("functions.png"),
    ) -> None:
        """Estimators on sphere, Rosenbrock, Rastrigin and Styblinski-Tang."""
        from benchmarks.functions import run
        from metasolve.cli.progress import Progress

        chosen = several(seeds, seed)
        with Progress() as progress:
            measured = run(chosen, paper=paper, steps=steps, out=out, report=progress)
        show(measured, json_, plot)
