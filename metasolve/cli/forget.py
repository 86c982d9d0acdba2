"""``metasolve forget``: remove what runs of a program have learned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metasolve.cli.arguments import State


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def forget(
        program: Annotated[
            str, typer.Argument(help="A program's name, as app; or the file of its state.")
        ],
        state: State = None,
    ) -> None:
        """Forget what runs of a program have learned; the next one starts with the prior alone.

        Earlier states are forgotten as well, but for those that --state-id has named. The journal
        stays, too.
        """
        from metasolve.production import site

        told = _told(site.known(program, state))
        typer.echo(f"{told}; a run that is going on adds what it has not yet saved")


def _told(file: Path) -> str:
    from metasolve.production import past

    gone, pinned = past.forget(file)
    earlier = len(gone) - (file in gone)
    told = [str(file)] if file in gone else []
    if earlier:
        told.append(f"{earlier} earlier state{'s' * (earlier != 1)}")
    stays = [f"the journal {log}" for log in [file.with_suffix(".jsonl")] if log.is_file()]
    stays += [f"{each}, which --state-id has named" for each in pinned]
    kept = f"; what stays, until you remove it: {', '.join(stays)}" if stays else ""
    return f"removed {' and '.join(told) or 'nothing'}{kept}"
