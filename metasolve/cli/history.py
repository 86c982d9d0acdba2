"""``metasolve history``: the states that runs of a program have left."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from metasolve.cli.arguments import Json, State

PROGRAM = Annotated[str, typer.Argument(help="A program's name, as app; or the file of its state.")]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def history(program: PROGRAM, state: State = None, json_: Json = False) -> None:
        """List what runs of a program have left: id, when, by which run, and what changed."""
        from metasolve.production import past, site

        file = site.known(program, state)
        told, damaged = past.history(file), past.damaged(file)
        if not told and damaged:
            raise damaged[-1]
        for each in damaged:
            typer.echo(f"metasolve: left out: {each}", err=True)
        typer.echo(json.dumps(told, indent=1) if json_ else _table(told))


def _table(told: list[dict[str, Any]]) -> str:
    from metasolve.report.wording import moment

    head = f"{'id':18}{'written':18}{'by run':26}{'solves':>8}{'classes':>9}  since the one before"
    rows = [
        f"{each['id']:18}{moment(each['time']):18}{each['run'] or '?':26}{each['solves']:>8}"
        f"{each['classes']:>9}  {_changes(each)}"
        for each in told
    ]
    return "\n".join([head, *rows])


def _changes(each: dict[str, Any]) -> str:
    told = [f"{len(each[key])} {key}" for key in ("new", "changed", "gone") if each[key]]
    return ", ".join(told) or "nothing"
