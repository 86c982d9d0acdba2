"""``metasolve doctor``: what is here, what is missing, and how to get it."""

from __future__ import annotations

import json

import typer

from metasolve.cli.arguments import Json


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def doctor(json_: Json = False) -> int:
        """Say what was found, what is missing and how to get it; exit code 1 if something is."""
        from metasolve.petsc.diagnosis import diagnose

        findings = diagnose()
        missing = [finding for finding in findings if finding.state == "missing"]
        if json_:
            entries = [finding.to_dict() for finding in findings]
            typer.echo(json.dumps({"ok": not missing, "findings": entries}, indent=1))
            return int(bool(missing))
        for finding in findings:
            typer.echo(f"{finding.state:>7}  {finding.name:<12} {finding.found}")
            if finding.remedy and finding.state != "ok":
                typer.echo(f"{'':>7}  {'':<12} -> {finding.remedy}")
        typer.echo("all found" if not missing else f"{len(missing)} missing, see above")
        return int(bool(missing))
