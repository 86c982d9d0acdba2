"""``python -m benchmarks estimators``: see :mod:`benchmarks.estimators`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import Json, Plot, Recorded, Seed, Seeds, SpaceFile, several, show


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command()
    def estimators(
        recording: Recorded,
        space: SpaceFile = Path("problems/convection_diffusion/multigrid.toml"),
        seeds: Seeds = 2,
        seed: Seed = 0,
        points: Annotated[
            int, typer.Option(help="Base points where gradients are compared.", min=1)
        ] = 16,
        calls: Annotated[
            list[int] | None,
            typer.Option(help="Surrogate calls before that; may be repeated. Default: 300, 1200."),
        ] = None,
        json_: Json = None,
        plot: Plot = Path("estimators.png"),
    ) -> None:
        """Gradients of a recorded family: cosine, error and variance by estimator and calls."""
        from benchmarks.estimators import CALLS, run
        from metasolve.cli.progress import Progress
        from metasolve.recorded.training import opened

        chosen = several(seeds, seed)
        with opened(recording, space) as (task, farm), Progress() as progress:
            measured = run(task, farm, chosen, points=points, calls=calls or CALLS, report=progress)
        show(measured, json_, plot)
