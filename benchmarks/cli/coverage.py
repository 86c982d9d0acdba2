"""``python -m benchmarks coverage``: real programs, plain and under metasolve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import Json


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("coverage")
    def coverage(
        only: Annotated[
            list[str] | None,
            typer.Option(help="Entries whose name contains this text; may be given again."),
        ] = None,
        ranks: Annotated[list[int] | None, typer.Option(help="Numbers of ranks; 1 and 2.")] = None,
        ways: Annotated[str, typer.Option(help="Of prior and learned.")] = "prior,learned",
        repeats: Annotated[int, typer.Option(help="Rounds of runs that are timed.", min=0)] = 5,
        work: Annotated[
            Path, typer.Option(help="Folder of programs, models and finished cases.")
        ] = Path("build/coverage"),
        install: Annotated[bool, typer.Option(help="Install what is missing, as root.")] = True,
        again: Annotated[bool, typer.Option("--again", help="Forget finished cases.")] = False,
        report: Annotated[bool, typer.Option("--report", help="Run nothing, only tell.")] = False,
        list_: Annotated[bool, typer.Option("--list", help="List the entries.")] = False,
        json_: Json = None,
        markdown: Annotated[
            Path | None, typer.Option(help="Write the page to this file.", show_default=False)
        ] = None,
    ) -> int:
        """Programs that nobody here wrote: acted on or not, answers kept, times; 1: a problem."""
        from benchmarks.coverage.command import Asked, execute

        asked = Asked(
            only=tuple(only or ()),
            ranks=tuple(ranks or (1, 2)),
            ways=tuple(ways.split(",")),
            repeats=repeats,
            work=work,
            install=install,
            again=again,
            report=report,
            list=list_,
            json=json_,
            markdown=markdown,
        )
        return execute(asked)
