"""``metasolve rollback``: an earlier state of a program is the one that runs begin with."""

from __future__ import annotations

from typing import Annotated

import typer

from metasolve.cli.arguments import State
from metasolve.cli.history import PROGRAM


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def rollback(
        program: PROGRAM,
        id_: Annotated[
            str,
            typer.Argument(metavar="ID", help="Of the state, as metasolve history has it."),
        ],
        state: State = None,
    ) -> None:
        """Bring an earlier state back; the one that is there now stays in the history."""
        from metasolve.production import past, site

        found = past.roll_back(site.known(program, state), id_)
        typer.echo(
            f"{program}: the next run begins with {found.id}; a run that is going on adds "
            "what it has not yet saved"
        )
