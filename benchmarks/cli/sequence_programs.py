"""``python -m benchmarks sequence-programs``: see :mod:`benchmarks.sequence_programs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("sequence-programs")
    def sequence_programs(
        only: Annotated[
            list[str] | None,
            typer.Option(help="Programs whose name contains this; may be given again."),
        ] = None,
        rounds: Annotated[
            int, typer.Option(help="Repetitions, in turn; each with nothing learned.", min=1)
        ] = 3,
        json_: Annotated[
            Path | None, typer.Option("--json", help="Write the table to this file.")
        ] = None,
    ) -> None:
        """Programs of many solves: own settings, built for each operator, kept, started."""
        from benchmarks.sequence_programs import PROGRAMS, measure, result
        from metasolve.cli.progress import console
        from metasolve.errors import UsageError

        chosen = [p for p in PROGRAMS if not only or any(word in p.name for word in only)]
        if not chosen:
            names = "; ".join(program.name for program in PROGRAMS)
            raise UsageError(f"--only {only}: no program has such a name; there are: {names}")
        found = result(measure(chosen, rounds, typer.echo), rounds)
        for table in found.tables():
            console(width=200).print(table)
        if json_ is not None:
            json_.write_text(json.dumps(found.document(), indent=1) + "\n")
