"""``metasolve init``: a first case.toml for a program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metasolve.cli.arguments import Command


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def init(
        command: Command,
        out: Annotated[Path, typer.Option("-o", "--out", help="File to write.")] = Path(
            "case.toml"
        ),
        force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    ) -> None:
        """Write a commented case.toml for COMMAND: what varies, what may be set, what it costs.

        The program is run once with -help: PETSc programs list their options under it.
        """
        from metasolve.cli.space import to_toml
        from metasolve.errors import UsageError
        from metasolve.program import deck_settings, proposal
        from metasolve.program.skeleton import skeleton
        from metasolve.report.wording import count
        from metasolve.space import Space

        if out.exists() and not force:
            raise UsageError(f"{out} exists; give another with -o, or --force to replace it")
        launched = proposal.program_place(command) > 0
        options = proposal.petsc_options(command)
        files = proposal.files(command)
        petsc = proposal.petsc_space(options, launched=launched)
        space = Space((*petsc.settings, *deck_settings.settings(files)))
        out.write_text(skeleton(command, space, to_toml(space), out.parent))
        what = f"PETSc program, {len(options)} options" if options else "no PETSc options found"
        what += "".join(f"; {path.name} is read as {kind}" for path, kind in files if kind)
        typer.echo(f"{what}; {count(len(space.settings), 'setting')} proposed")
        typer.echo(f"wrote {out}: adapt it, then: metasolve check {out}")
