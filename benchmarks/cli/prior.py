"""``python -m benchmarks prior``: see :mod:`benchmarks.prior`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import Json, Plot, show

_Corpus = Annotated[Path | None, typer.Option("--corpus", help="Default: the one that ships.")]
_Rivals = Annotated[bool, typer.Option("--rivals", help="Fit networks, too (minutes).")]


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("prior")
    def prior(
        corpus: _Corpus = None,
        rivals: _Rivals = False,
        json_: Json = None,
        plot: Plot = Path("prior.png"),
    ) -> None:
        """Choices without training on kinds left out of the fit, and streams of their solves."""
        from benchmarks.prior import run
        from metasolve.cli.progress import Progress
        from metasolve.prior.corpus import SHIPPED, read_corpus

        rows = read_corpus(SHIPPED if corpus is None else corpus)
        with Progress() as progress:
            measured = run(rows, rivals=rivals, report=progress)
        show(measured, json_, plot)
