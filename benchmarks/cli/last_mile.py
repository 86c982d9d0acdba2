"""``python -m benchmarks last-mile``: see :mod:`benchmarks.last_mile`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("last-mile")
    def last_mile(
        solves: Annotated[int, typer.Option(help="Of each run.", min=1)] = 300,
        seeds: Annotated[int, typer.Option(help="Repetitions of each workload.", min=1)] = 3,
        json_: Annotated[
            Path | None, typer.Option("--json", help="Write the measurements.")
        ] = None,
    ) -> None:
        """Compare solves with the numbers that probes have found and with the prior's."""
        from benchmarks.last_mile import WORKLOADS, measure, table

        found = [
            measure(kind, points, solves, seed)
            for seed in range(seeds)
            for kind, points in WORKLOADS
        ]
        typer.echo(table(found))
        if json_:
            json_.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")
