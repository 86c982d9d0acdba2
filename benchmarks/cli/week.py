"""``python -m benchmarks week``: see :mod:`benchmarks.week`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(bench: typer.Typer) -> None:
    """Add the command."""

    @bench.command("week")
    def week(
        out: Annotated[Path, typer.Option(help="Folder of the journals and states.")] = Path(
            "build/week"
        ),
        solves: Annotated[int, typer.Option(help="Of all programs together.", min=1000)] = 100_000,
        seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 1,
    ) -> None:
        """Write the journals of a simulated week of production, and what is true of it."""
        import random

        from benchmarks.week import PROGRAMS, Week

        made = Week(random.Random(seed), solves // len(PROGRAMS))
        made.write(out)
        typer.echo(f"{out}: metasolve report {out}")
