"""``metasolve report``: what runs have saved, where, and why solves were left alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

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
        html: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE", help="Write one page with pictures, which a browser shows."
            ),
        ] = None,
        json_: Json = False,
        seed: Seed = None,  # noqa: ARG001 (every command has it)
    ) -> None:
        """Say what runs have saved, by day, class and source; what has changed; what was refused.

        Saved is what the program's own settings would have taken, less what was taken. Where they
        did not solve it is an estimate, and comes with an interval.
        """
        from metasolve.production import reading
        from metasolve.production.report import Report

        made = Report()
        made.read(reading.journals(journals or ()))
        document = made.document()
        if html is not None:
            _write(html, document)
        if json_:
            typer.echo(json.dumps(document, indent=1))
        elif html is None:
            from metasolve.report.screen import screen

            typer.echo(screen(document))
        else:
            typer.echo(f"report: {html}")


def _write(file: Path, document: Mapping[str, Any]) -> None:
    from metasolve.files.atomic import write_atomically
    from metasolve.files.unwritable import unwritable
    from metasolve.report.page import page

    try:
        write_atomically(file, page(document).encode())
    except OSError as error:
        raise unwritable("--html", file, error) from error
