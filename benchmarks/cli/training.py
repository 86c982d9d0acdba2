"""``python -m benchmarks training``: see :mod:`benchmarks.training`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from benchmarks.cli.options import Json, Plot, Recorded, Seed, Seeds, SpaceFile, several, show


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command()
    def training(
        recording: Recorded,
        unseen: Annotated[Path, typer.Argument(help="Recording to judge by.", show_default=False)],
        space: SpaceFile = Path("problems/convection_diffusion/multigrid.toml"),
        calls: Annotated[int, typer.Option(help="Solver calls of each contender.", min=100)] = 1000,
        measure: Annotated[
            Literal["iterations", "flops"], typer.Option(help="What to minimise.")
        ] = "iterations",
        out: Annotated[
            Path, typer.Option(help="Keeps what is finished; a killed benchmark goes on there.")
        ] = Path("bench-training"),
        only: Annotated[
            list[str] | None,
            typer.Option(help="A contender to run, several times for several; default: all."),
        ] = None,
        seeds: Seeds = 3,
        seed: Seed = 0,
        json_: Json = None,
        plot: Plot = Path("training.png"),
    ) -> None:
        """Training by estimator and optimiser, and searches, at equal solver calls."""
        from benchmarks.training import Comparison, run
        from metasolve.cli.progress import Progress
        from metasolve.recorded.training import opened, task_of

        chosen = several(seeds, seed)
        with opened(recording, space) as (task, farm), Progress() as progress:
            others = task_of(unseen, space).instances
            comparison = Comparison(task, others, farm, out, calls, measure)
            measured = run(comparison, chosen, only=only or (), report=progress)
        show(measured, json_, plot)
