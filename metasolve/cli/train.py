"""``metasolve train``: learn settings from a recording."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from metasolve.model.model import Model

_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def train(
        recording: Annotated[Path, typer.Argument(help="Recording directory.", show_default=False)],
        out: Annotated[
            Path, typer.Option("-o", "--out", help="Model directory.", show_default=False)
        ],
        calls: Annotated[
            int, typer.Option(help="Budget in solver calls, everything included.")
        ] = 1000,
        seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
        space: Annotated[
            Path | None,
            typer.Option(help="What may be set (toml); default: as `metasolve space` prints."),
        ] = None,
        measure: Annotated[
            Literal["seconds", "iterations", "flops"], typer.Option(help="What to minimise.")
        ] = "seconds",
        tangents: Annotated[int, typer.Option(help="Perturbed calls per instance and step.")] = 2,
        estimator: Annotated[
            Literal["projected", "mean"], typer.Option(help="From differences to a gradient.")
        ] = "projected",
        control_variate: Annotated[
            bool, typer.Option(help="Correct the surrogate's gradient, or replace it.")
        ] = True,
        ranks_per_solve: Annotated[
            int, typer.Option(help="Under mpiexec: ranks that solve one system together.")
        ] = 1,
        prefix: Annotated[
            str | None, typer.Option(help="Learn only from the KSP with this options prefix.")
        ] = None,
        fresh: Annotated[
            bool, typer.Option("--fresh", help="Forget an earlier training in this directory.")
        ] = False,
    ) -> None:
        """Learn settings from RECORDING; an interrupted training goes on where it stopped."""
        from metasolve.cli.progress import Progress
        from metasolve.train.recorded import train as learn
        from metasolve.train.session import silent

        comm = world()
        options = {
            "calls": calls,
            "seed": seed,
            "measure": measure,
            "tangents": tangents,
            "estimator": estimator,
            "control_variate": control_variate,
        }
        with Progress() as progress:
            model = learn(
                recording,
                out,
                space=space,
                prefix=prefix,
                fresh=fresh,
                comm=comm,
                ranks_per_solve=ranks_per_solve,
                progress=progress if comm is None or comm.rank == 0 else silent,
                **options,
            )
        if comm is None or comm.rank == 0:
            report(model, out)


def world() -> Any:
    """All ranks when started under mpiexec with several, else None."""
    if not any(os.environ.get(name, "1") not in ("", "1") for name in _SIZES):
        return None
    from mpi4py import MPI

    return MPI.COMM_WORLD if MPI.COMM_WORLD.size > 1 else None


def report(model: Model, out: Path) -> None:
    """Print what was chosen, against what, and where it is."""
    from rich.console import Console

    if model.info.get("validation"):
        console = Console(width=None if Console().is_terminal else 100)
        console.print(verdict_table(model))
    calls = model.info["calls"]
    parts = ", ".join(f"{name} {n}" for name, n in calls.items() if name != "train" and n)
    typer.echo(f"solver calls: {calls['train']} ({parts})")
    if model.kind == "default":
        typer.echo("nothing beats the program's own settings here: the model leaves it alone")
    typer.echo(f"model: {out}")
    typer.echo(f"events: {out / 'events.jsonl'}")


def verdict_table(model: Model) -> Table:
    """The candidates on the validation instances."""
    from rich.table import Table

    table = Table(title="candidates on validation instances, speed-up over the program's own")
    table.add_column("candidate")
    for name in ("geometric mean", "worst", "failures", "repeats"):
        table.add_column(name, justify="right")
    for name, verdict in model.info["validation"].items():
        chosen = " (chosen)" if name == model.info["winner"] else ""
        worst = verdict["worst"]
        table.add_row(
            name + chosen,
            f"{verdict['speedup']:.2f}",
            "-" if worst is None else f"{math.exp(-worst):.2f}",
            str(verdict["failures"]),
            str(verdict["repeats"]),
        )
    return table
