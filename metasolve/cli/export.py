"""``metasolve export``: what was learned, for programs that run without the plug-in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def export(
        program: Annotated[
            str, typer.Argument(help="A program's name, as app; or a journal, or a folder of such.")
        ],
        petsc_options: Annotated[
            Path,
            typer.Option(metavar="FILE", help="File for PETSc's -options_file, to be written."),
        ],
    ) -> None:
        """Write the best constant settings of a program, by its journal, as PETSc's options."""
        from metasolve.files.atomic import write_atomically
        from metasolve.files.unwritable import unwritable
        from metasolve.production import constant, reading
        from metasolve.production.sums import Sums

        sums = Sums.of_all(reading.journals([program]))
        lines = (line for each in sums.journals for line in each)
        name = " ".join(sorted({each.name for each in sums.states}))
        text = constant.options(name, constant.solvers(lines, sums.pairs.factor))
        try:
            write_atomically(petsc_options, text.encode())
        except OSError as error:
            raise unwritable("--petsc-options", petsc_options, error) from error
        typer.echo(f"options: {petsc_options}")
