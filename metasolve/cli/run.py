"""``metasolve run``: run a program as it is, with the settings a model chooses."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from metasolve.cli.arguments import Command, Prefix, Seed


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def run(
        model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model directory.")],
        command: Command,
        log: Annotated[
            Path | None, typer.Option(help="Append one JSON line per solve, or run, to this file.")
        ] = None,
        prefix: Prefix = None,
        budget: Annotated[
            float | None,
            typer.Option(
                help="Hand a solve back to the program's own settings after so many times the "
                "seconds these would take. [default: 2]"
            ),
        ] = None,
        feature: Annotated[
            list[str] | None,
            typer.Option(
                help="NAME=VALUE of what the command does not say (models of whole programs).",
                show_default=False,
            ),
        ] = None,
        seed: Seed = None,  # noqa: ARG001 (scripts pass one seed to all commands)
    ) -> int:
        """Run COMMAND as it is, its linear systems solved with the settings MODEL chooses.

        Every answer meets the command's own tolerance; where the model's settings fail, the
        command's own are used. The exit code is the command's own. With a model of a whole program
        the settings are those of the run.
        """
        from metasolve.petsc import launch
        from metasolve.production import journal
        from metasolve.program.production import run_program, trained_on_program

        if trained_on_program(model):
            return run_program(model, command, features=feature or (), log=log)
        with contextlib.ExitStack() as stack:
            lines = log or stack.enter_context(launch.scratch_log())
            start = journal.size(lines)
            conduct = launch.Conduct(lines, budget)
            code = launch.run(command, model, launch.Watch(prefix), conduct)
            if code not in (launch.NOT_FOUND, launch.NOT_EXECUTABLE):
                where = f"; log: {log}" if log else ""
                summary = journal.Summary.of(journal.read(lines, start))
                sys.stderr.write(f"metasolve: {summary}{where}\n")
        return code
