"""``metasolve scaling``: what more ranks bring, measured here or simulated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metasolve.cli.result import Json, Plot, show
from metasolve.errors import UsageError

if TYPE_CHECKING:
    from metasolve.scaling.report import Measured, Simulation


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def scaling(
        source: Annotated[
            Path | None,
            typer.Argument(
                metavar="[RECORDING]",
                help="Whose systems to solve; simulating, also a model directory. "
                "Default: built-in problems.",
                show_default=False,
            ),
        ] = None,
        simulate: Annotated[
            bool, typer.Option("--simulate", help="Simulate 2 to 4096 ranks; start none.")
        ] = False,
        ranks: Annotated[
            str | None,
            typer.Option(help="Ranks to compare, as in 1,2; simulating, 2 to 4096."),
        ] = None,
        calls: Annotated[int, typer.Option(help="Calls per measured batch.")] = 128,
        evaluations: Annotated[int, typer.Option(help="Calls per simulated batch.")] = 4096,
        serial: Annotated[
            float | None,
            typer.Option(help="Simulated seconds of the trainer per batch; default: measured."),
        ] = None,
        repeats: Annotated[
            int, typer.Option(help="Launches per number of ranks; medians count.")
        ] = 5,
        seed: Annotated[int, typer.Option(help="Seed of problems, settings and draws.")] = 0,
        json_: Json = None,
        plot: Plot = Path("scaling.png"),
    ) -> None:
        """Calls per second of the farm on 1 and more ranks, launched in turn by mpiexec."""
        found: Simulation | Measured
        if simulate:
            found = _simulated(source, ranks, evaluations, serial, repeats, seed)
        else:
            found = _measured(source, ranks, calls, repeats, seed)
        show(found, json_, plot)
        for line in found.lines():
            typer.echo(line)


def _simulated(
    source: Path | None,
    ranks: str | None,
    evaluations: int,
    serial: float | None,
    repeats: int,
    seed: int,
) -> Simulation:
    from metasolve.scaling.costs import OVERHEADS
    from metasolve.scaling.durations import durations
    from metasolve.scaling.report import Simulation
    from metasolve.scaling.simulation import predict

    calls = durations(source, seed)
    costs = OVERHEADS if serial is None else replace(OVERHEADS, serial=serial, probe=0.0)
    counts = [2**power for power in range(1, 13)] if ranks is None else _counts(ranks)
    return Simulation(
        calls, costs, evaluations, predict(calls, counts, evaluations, costs, seed, repeats)
    )


def _measured(
    source: Path | None, ranks: str | None, calls: int, repeats: int, seed: int
) -> Measured:
    from metasolve.cli.progress import Progress
    from metasolve.scaling.measurement import measure
    from metasolve.scaling.report import Measured

    counts = _counts("1,2" if ranks is None else ranks)
    with Progress() as progress:
        return Measured(measure(source, counts, calls, repeats, seed, progress), seed)


def _counts(text: str) -> list[int]:
    words = text.split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise UsageError(f"ranks={text!r} are not numbers of ranks: write them as in 1,2")
    return sorted({int(word) for word in words})
