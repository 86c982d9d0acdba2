"""Options that benchmarks share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metasolve.cli.result import Json, Plot, show
from metasolve.errors import UsageError

__all__ = ["Json", "Paper", "Plot", "Recorded", "Seed", "Seeds", "SpaceFile", "several", "show"]

Seeds = Annotated[int, typer.Option("--seeds", help="Repetitions; their spread is shown.")]
Seed = Annotated[int, typer.Option("--seed", help="The first of these seeds.")]
Recorded = Annotated[Path, typer.Argument(help="Recording directory.", show_default=False)]
SpaceFile = Annotated[Path, typer.Option("--space", help="What may be set (toml).")]
Paper = Annotated[bool, typer.Option("--paper", help="The published size, which takes longer.")]


def several(seeds: int, seed: int) -> range:
    """The seeds to run with.

    Raises
    ------
    UsageError
        If there are none, or negative ones.
    """
    if seeds < 1 or seed < 0:
        raise UsageError(f"--seeds {seeds} --seed {seed}: give at least 1 seed, from 0 on")
    return range(seed, seed + seeds)
