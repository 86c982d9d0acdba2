"""``metasolve pin``: a model of constant settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def pin(
        settings: Annotated[
            list[str],
            typer.Argument(
                metavar="NAME=VALUE...",
                help="PETSc options of a solver, without dash and prefix. A flag alone is on.",
                show_default=False,
            ),
        ],
        out: Annotated[
            Path, typer.Option("--out", "-o", help="Model directory.", show_default=False)
        ],
        petsc: Annotated[
            str | None,
            typer.Option(help="Only for this version of PETSc, such as 3.18.5. [default: any]"),
        ] = None,
    ) -> None:
        """Make a model that chooses the same settings for every system, without training.

        For example: metasolve pin -o models/x ksp_type=gmres pc_type=hypre

        Only settings of solvers can be pinned: nothing that writes, reads files or ends a program.
        NAME= and NAME alone switch a flag on, NAME=0 switches it off.
        """
        from metasolve.model.pinned import parsed
        from metasolve.model.pinned import pin as write

        chosen = parsed(settings)
        directory = write(out, chosen, petsc)
        typer.echo(f"model: {directory}: " + " ".join(f"-{k} {v}" for k, v in chosen.items()))
