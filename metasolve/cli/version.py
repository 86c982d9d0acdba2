"""``metasolve version``."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def version() -> None:
        """Print the version."""
        from metasolve import __version__

        typer.echo(f"metasolve {__version__}")
