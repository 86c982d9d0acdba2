"""``metasolve train``: learn settings from a recording."""

from __future__ import annotations

import math
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metasolve.cli.arguments import with_fields_of
from metasolve.errors import MetasolveError, UsageError
from metasolve.train.config import TrainConfig
from metasolve.train.pace import in_words

if TYPE_CHECKING:
    from rich.table import Table

    from metasolve.model.model import Model

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    @with_fields_of(TrainConfig)
    def train(
        context: typer.Context,
        *,
        recording: Annotated[
            list[Path],
            typer.Argument(
                help="Recording directories, or one case.toml. A finished training in MODEL goes "
                "on with what it has measured.",
                show_default=False,
            ),
        ],
        out: Annotated[
            Path, typer.Option("-o", "--out", help="Model directory.", show_default=False)
        ],
        space: Annotated[
            Path | None,
            typer.Option(help="What may be set (toml); default: as `metasolve space` prints."),
        ] = None,
        ranks_per_solve: Annotated[
            int, typer.Option(help="Under mpiexec: ranks that solve one system together.")
        ] = 1,
        prefix: Annotated[
            str | None, typer.Option(help="Learn only from the KSP with this options prefix.")
        ] = None,
        replay: Annotated[
            Path | None,
            typer.Option(
                metavar="MODEL",
                help="Repeat that training from its recorded costs; no solver is called.",
                show_default=False,
            ),
        ] = None,
        journal: Annotated[
            Path | None,
            typer.Option(
                help="Of runs with the prior: what settings took there corrects what it foresees.",
                show_default=False,
            ),
        ] = None,
        fresh: Annotated[
            bool, typer.Option("--fresh", help="Forget an earlier training in this directory.")
        ] = False,
        options: dict[str, Any],
    ) -> None:
        """Learn settings from RECORDING; an interrupted training goes on where it stopped."""
        from metasolve.cli.progress import Progress
        from metasolve.program.case_file import is_case
        from metasolve.recorded.training import train
        from metasolve.train.duration import quiet
        from metasolve.train.interrupt import InterruptedTraining
        from metasolve.train.session import silent

        comm = world()
        first = comm is None or comm.rank == 0
        of_program = is_case(recording[0])
        if replay is not None or of_program:
            # They have options of their own: only what was asked for shall differ.
            options = {key: each for key, each in options.items() if _given(context, key)}
        elif not _given(context, "calls"):
            del options["calls"]  # a training that has been given more systems has its own
        if of_program:
            _only_for_recordings(context, comm, recording)
        try:
            with Progress() as progress, alive_together(comm):
                learn: Callable[..., Model] = _learn_program if of_program else train
                model = learn(
                    recording,
                    out,
                    space=space,
                    prefix=prefix,
                    fresh=fresh,
                    comm=comm,
                    ranks_per_solve=ranks_per_solve,
                    replay=replay,
                    journal=journal,
                    progress=progress if first else silent,
                    say=_said if first else quiet,
                    **options,
                )
        except InterruptedTraining as stopped:
            if first:
                typer.echo(f"metasolve: {stopped}", err=True)
            raise typer.Exit(_INTERRUPTED if stopped.by == signal.SIGINT else 0) from None
        except MetasolveError:
            if first:
                raise
            raise typer.Exit(1) from None
        if first:
            report(model, out)


def _only_for_recordings(context: typer.Context, comm: Any, given: Sequence[Path]) -> None:
    """Raise `UsageError` for what makes no sense with a case."""
    if len(given) > 1:
        raise UsageError(f"{given[0]} is a case, which goes alone: leave {given[1]} out")
    for name in ("measure", "prefix", "ranks_per_solve", "replay", "journal"):
        if _given(context, name):
            raise UsageError(f"--{name.replace('_', '-')} goes with a recording; the case has it")
    if comm is not None:
        raise UsageError("the runs of a program are made one after the other; leave mpiexec out")


def _learn_program(case: list[Path], out: Path, **options: Any) -> Model:
    from metasolve.program.training import train_case

    for name in ("prefix", "ranks_per_solve", "replay", "journal", "comm"):
        del options[name]
    return train_case(case[0], out, **options)


def _said(sentence: str) -> None:
    typer.echo(f"metasolve: {sentence}", err=True)


def _given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@contextmanager
def alive_together(comm: Any) -> Iterator[None]:
    """End all ranks where one fails alone: the others would wait for it for ever.

    Errors of metasolve are raised on all ranks and pass.
    """
    try:
        yield
    except MetasolveError:
        raise
    except (Exception, KeyboardInterrupt):
        if comm is None:
            raise
        traceback.print_exc()
        sys.stderr.flush()
        comm.Abort(1)


def world() -> Any:
    """All ranks when started under mpiexec with several, else None."""
    if not any(os.environ.get(name, "1") not in ("", "1") for name in _SIZES):
        return None
    import mpi4py

    mpi4py.rc.thread_level = (
        "funneled"  # more, and Open MPI has no one-sided calls on some networks
    )
    from mpi4py import MPI

    return MPI.COMM_WORLD if MPI.COMM_WORLD.size > 1 else None


def report(model: Model, out: Path) -> None:
    """Print what was chosen, against what, and where it is."""
    from metasolve.cli.progress import console

    if model.info.get("validation"):
        console().print(verdict_table(model))
    calls = model.info["calls"]
    parts = ", ".join(f"{name} {n}" for name, n in calls.items() if name != "train" and n)
    typer.echo(f"solver calls: {calls['train']} ({parts})")
    typer.echo(time_line(model.info))
    if model.info.get("gradient"):
        typer.echo(gradient_line(model.info["gradient"]))
    if model.info.get("ran_on", {}).get("ranks", 1) > 1:
        typer.echo(ranks_line(model.info["ran_on"]))
    if model.kind == "default":
        typer.echo("nothing beats the program's own settings here: the model leaves it alone")
    typer.echo(f"model: {out}")
    typer.echo(f"events: {out / 'events.jsonl'}")


def time_line(info: Mapping[str, Any]) -> str:
    """What a training took, and what its solves took of it, on all ranks together."""
    took, solves = info.get("wall_seconds"), in_words(info["solver_seconds"])
    all_in_all = "" if took is None else f"{in_words(took)} in all; "
    return f"time: {all_in_all}{solves} in the solver calls, added up"


def gradient_line(chosen: dict[str, Any]) -> str:
    """How gradients were measured, and why so."""
    tangents = "" if chosen["estimator"] == "full" else f", {chosen['tangents']} tangents"
    variate = f"control variate {chosen['control_variate']}"
    return f"gradient: {chosen['estimator']}{tangents}, {variate}: {chosen['why']}"


def ranks_line(ran_on: dict[str, float]) -> str:
    """What the ranks of a training exchanged."""
    groups = ran_on["ranks"] // ran_on["ranks_per_solve"]
    return (
        f"ranks: {ran_on['ranks']} in {groups} groups, "
        f"{ran_on['bytes_per_evaluation']:.0f} bytes sent by each per evaluation"
    )


def verdict_table(model: Model) -> Table:
    """The candidates on the validation instances."""
    from rich.table import Table

    table = Table(title="candidates on validation instances, speed-up over the program's own")
    table.add_column("candidate")
    for name in ("geometric mean", "worst", "failures", "instances", "repeats"):
        table.add_column(name, justify="right")
    for name, verdict in model.info["validation"].items():
        chosen = " (chosen)" if name == model.info["winner"] else ""
        worst = verdict["worst"]
        table.add_row(
            name + chosen,
            f"{verdict['speedup']:.2f}",
            "-" if worst is None else f"{math.exp(-worst):.2f}",
            *(str(verdict[key]) for key in ("failures", "instances", "repeats")),
        )
    return table
