"""``metasolve bench families``: what guesses and settings are worth on problem families."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metasolve.cli.bench.options import Json, Plot, Seed, Seeds, several, show


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command()
    def families(
        cases: Annotated[
            list[Path], typer.Argument(help="Case files of families, or folders with one.")
        ],
        size: Annotated[str, typer.Option(help="One of the sizes in the case files.")] = "default",
        train: Annotated[int, typer.Option(help="Solutions to learn from.", min=8)] = 160,
        test: Annotated[int, typer.Option(help="Unseen instances.", min=1)] = 24,
        repeats: Annotated[
            int, typer.Option(help="Solves of each unseen instance; medians count.", min=1)
        ] = 3,
        search: Annotated[
            int, typer.Option(help="Solver calls to find the best global setting.", min=1)
        ] = 160,
        rtol: Annotated[
            list[float] | None,
            typer.Option(help="Tolerances, instead of those in the case files."),
        ] = None,
        seeds: Seeds = 3,
        seed: Seed = 0,
        json_: Json = None,
        plot: Plot = Path("families.png"),
    ) -> None:
        """Zero guess, best global setting, and guesses from ridge regression to ours."""
        from metasolve.bench.families import run
        from metasolve.bench.family_measurement import Amounts
        from metasolve.cli.progress import Progress
        from metasolve.family import Family

        chosen = [(Family.from_toml(case), size) for case in cases]
        for family, name in chosen:
            family.size(name)
        amounts = Amounts(train=train, test=test, repeats=repeats, search=search)
        with Progress() as progress:
            measured = run(chosen, several(seeds, seed), amounts, tolerances=rtol, report=progress)
        show(measured, json_, plot)
