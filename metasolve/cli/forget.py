"""``metasolve forget``: remove what runs of a program have learned."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def forget(
        program: Annotated[
            str, typer.Argument(help="A program's name, as app; or the file of its state.")
        ],
    ) -> None:
        """Forget what runs of a program have learned; the next one starts with the prior alone.

        Earlier states are forgotten as well, but for those that --state-id has named.
        """
        from metasolve.production import past, site

        file = site.known(program)
        past.forget(file)
        typer.echo(f"removed {file}; a run that is going on adds what it has not yet saved")
