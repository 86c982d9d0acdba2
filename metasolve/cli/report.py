"""``metasolve report``: what runs have saved, where, and why solves were left alone."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from metasolve.cli.arguments import Json, Seed


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def report(
        journals: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="[JOURNAL...]",
                help="Files of metasolve run --log, folders of such, or names of programs; "
                "default: all that metasolve run has kept beside what was learned.",
            ),
        ] = None,
        json_: Json = False,
        seed: Seed = None,  # noqa: ARG001 (every command has it)
    ) -> None:
        """Say what runs have saved: in all, by run, class and source; and what was left alone, why.

        Saved is what the program's own settings would have taken, less what was taken. Where they
        did not solve it is an estimate, and comes with an interval.
        """
        from metasolve.production import reading
        from metasolve.production.report import Report
        from metasolve.report.screen import screen

        made = Report()
        made.read(reading.journals(journals or ()))
        document = made.document()
        typer.echo(json.dumps(document, indent=1) if json_ else screen(document))
