"""``python -m benchmarks corpus``: see :mod:`benchmarks.corpus`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_Out = Annotated[Path, typer.Option("--out", help="Lines are appended here; made if missing.")]
_Minutes = Annotated[float, typer.Option("--minutes", help="Systems are measured for so long.")]
_Large = Annotated[bool, typer.Option("--large", help="Systems of 1e5 unknowns and more.")]
_Later = Annotated[
    bool,
    typer.Option("--later", help="Only candidates that the shipped corpus lacks, on its systems."),
]
_Ship = Annotated[bool, typer.Option("--ship", help="Then keep them as the shipped corpus.")]


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("corpus")
    def corpus(
        out: _Out = Path("build/corpus.jsonl"),
        minutes: _Minutes = 35.0,
        large: _Large = False,
        later: _Later = False,
        ship: _Ship = False,
    ) -> None:
        """What generated systems take under the prior's candidates; goes on where it stopped."""
        from benchmarks.corpus import measure
        from benchmarks.corpus_later import measure_later
        from metasolve.cli.progress import Progress
        from metasolve.prior import read_candidates
        from metasolve.prior.corpus import SHIPPED, read_corpus, write_corpus

        out.parent.mkdir(parents=True, exist_ok=True)
        with Progress() as progress:
            if later:
                count, left = measure_later(SHIPPED, out, read_candidates(), progress)
            else:
                count = measure(out, read_candidates(), minutes, progress, large=large)
                left = 0
        if ship:
            write_corpus(read_corpus(out))
        typer.echo(f"{out}: {count} systems" + (f", {left} to be measured anew" if left else ""))
