"""``metasolve evaluate``: what a model gains, on instances it was not trained on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from metasolve.report.evaluation import Evaluation


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def evaluate(
        model: Annotated[Path, typer.Argument(help="Model directory.", show_default=False)],
        recording: Annotated[
            Path | None,
            typer.Argument(
                help="Recording directory; for a model of a program a case.toml, or nothing.",
                show_default=False,
            ),
        ] = None,
        json_: Annotated[
            Path | None, typer.Option("--json", help="Write everything measured to this file.")
        ] = None,
        plot_: Annotated[
            Path | None, typer.Option("--plot", help="Write a plot to this file (png, pdf, svg).")
        ] = None,
        repeats: Annotated[
            int, typer.Option(help="Timed solves of each, more of short ones; medians count.")
        ] = 5,
        limit: Annotated[
            int | None, typer.Option(help="At most so many instances; default: all.")
        ] = None,
        seed: Annotated[int, typer.Option(help="Seed of the global search.")] = 0,
        global_: Annotated[
            bool, typer.Option("--global/--no-global", help="Compare with a tuned global setting.")
        ] = True,
        selectors: Annotated[
            bool,
            typer.Option(
                "--selectors",
                help="Compare with a hand rule and with nearest neighbours.",
            ),
        ] = False,
        oracle: Annotated[
            bool,
            typer.Option("--oracle", help="Find the best settings of every instance, too."),
        ] = False,
        in_order: Annotated[
            bool,
            typer.Option(
                "--in-order",
                help="Solve sequences in order, too, where preconditioners may be kept.",
            ),
        ] = False,
    ) -> None:
        """Compare MODEL with the program's own settings and with one tuned global setting."""
        from rich.console import Console

        from metasolve.cli.progress import Progress
        from metasolve.errors import UsageError
        from metasolve.petsc.launch import is_of_program
        from metasolve.program.evaluation import evaluate_case
        from metasolve.program.table import instance_table as program_table
        from metasolve.program.table import rescues
        from metasolve.recorded.evaluation import evaluate as measure_systems
        from metasolve.recorded.evaluation import write_json
        from metasolve.report.plot import plot
        from metasolve.report.table import instance_table, summary_lines, summary_table

        program = is_of_program(model)
        if recording is None and not program:
            raise UsageError(f"{model} was trained on a recording: name one with unseen solves")
        for option, asked in (("--selectors", selectors), ("--in-order", in_order)):
            if program and asked:
                raise UsageError(f"{model} was trained on a program: {option} needs systems")
        measure: Callable[..., Evaluation] = partial(
            measure_systems, selectors=selectors, in_order=in_order
        )
        if program:
            measure = evaluate_case
        with Progress() as progress:
            evaluation = measure(
                model,
                recording,
                repeats=repeats,
                limit=limit,
                seed=seed,
                global_baseline=global_,
                oracle=oracle,
                progress=progress,
            )
        console = Console(width=None if Console().is_terminal else 120, soft_wrap=False)
        console.print((program_table if program else instance_table)(evaluation))
        console.print(summary_table(evaluation))
        for line in [*summary_lines(evaluation), *([rescues(evaluation)] if program else [])]:
            typer.echo(line)
        if json_ is not None:
            write_json(evaluation, json_)
            typer.echo(f"measurements: {json_}")
        if plot_ is not None:
            plot_.parent.mkdir(parents=True, exist_ok=True)
            plot(evaluation, plot_)
            typer.echo(f"plot: {plot_}")
