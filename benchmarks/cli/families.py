"""``python -m benchmarks families``: what metasolve is worth on problem families."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import Json, Plot, Seed, Seeds, several, show


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command()
    def families(
        cases: Annotated[
            list[Path],
            typer.Argument(help="Case files, folders with one, or folders of such folders."),
        ],
        size: Annotated[str, typer.Option(help="One of the sizes in the case files.")] = "default",
        train: Annotated[int, typer.Option(help="Systems to learn from.", min=16)] = 96,
        test: Annotated[int, typer.Option(help="Unseen instances.", min=1)] = 24,
        calls: Annotated[
            int, typer.Option(help="Solver calls of training; the search has as many.", min=1)
        ] = 500,
        repeats: Annotated[
            int, typer.Option(help="Solves of each unseen instance; medians count.", min=1)
        ] = 3,
        rtol: Annotated[
            list[float] | None,
            typer.Option(help="Tolerances, instead of those in the case files."),
        ] = None,
        networks: Annotated[
            bool, typer.Option("--networks", help="Networks that predict solutions, too.")
        ] = False,
        out: Annotated[
            Path | None,
            typer.Option(
                help="Directory for what is finished; a killed benchmark goes on there.",
                show_default=False,
            ),
        ] = None,
        seeds: Seeds = 3,
        seed: Seed = 0,
        json_: Json = None,
        plot: Plot = Path("families.png"),
    ) -> None:
        """The default, best global setting, classical baselines, and what metasolve makes of it."""
        from benchmarks.families import members, run
        from benchmarks.family_score import Amounts
        from metasolve.cli.progress import Progress

        chosen, every = members(cases, size, rtol), several(seeds, seed)
        amounts = Amounts(train=train, test=test, calls=calls, repeats=repeats)
        with Progress() as progress:
            measured = run(chosen, every, amounts, networks=networks, out=out, report=progress)
        show(measured, json_, plot)
