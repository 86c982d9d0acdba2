"""``python -m benchmarks calls``: see :mod:`benchmarks.training_calls`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import Json, Plot, Recorded, Seed, Seeds, several, show

_CALLS = (150, 300, 500, 1000)


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command()
    def calls(
        recording: Recorded,
        unseen: Annotated[Path, typer.Argument(help="Recording to judge by.", show_default=False)],
        calls: Annotated[
            list[int] | None, typer.Option(help="Solver calls of a training; may be repeated.")
        ] = None,
        out: Annotated[
            Path, typer.Option(help="Keeps the trainings; a killed benchmark goes on there.")
        ] = Path("bench-calls"),
        repeats: Annotated[int, typer.Option(help="Timed solves of each system by each.")] = 5,
        seeds: Seeds = 3,
        seed: Seed = 1,
        json_: Json = None,
        plot: Plot = Path("calls.png"),
    ) -> None:
        """Trainings that begin from the prior and from nothing, beside the prior alone."""
        from benchmarks.training_calls import run
        from metasolve.cli.progress import Progress

        chosen = several(seeds, seed)
        with Progress() as progress:
            measured = run(
                recording,
                unseen,
                out,
                sorted(calls or _CALLS),
                chosen,
                repeats=repeats,
                report=progress,
            )
        show(measured, json_, plot)
