"""``python -m benchmarks sequences``: see :mod:`benchmarks.sequences`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import Json, Plot, Seed, Seeds, several, show


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("sequences")
    def sequences(
        out: Annotated[
            Path, typer.Option(help="Keeps what is measured; a killed benchmark goes on there.")
        ] = Path("build/sequences"),
        seeds: Seeds = 3,
        seed: Seed = 0,
        json_: Json = None,
        plot: Plot = Path("sequences.png"),
    ) -> None:
        """Keep a preconditioner or build it anew, in sequences of systems that change."""
        from benchmarks.sequences import run
        from metasolve.cli.progress import Progress

        chosen = several(seeds, seed)
        with Progress() as progress:
            found = run(chosen, out, report=progress)
        show(found, json_, plot)
