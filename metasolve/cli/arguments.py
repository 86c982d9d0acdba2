"""Arguments that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Command = Annotated[
    list[str],
    typer.Argument(
        metavar="-- COMMAND",
        help="The program as you start it, mpiexec included.",
        show_default=False,
    ),
]
Prefix = Annotated[
    str | None,
    typer.Option(
        "--prefix", help="Only the KSP with this options prefix; default: every outermost KSP."
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", help="Accepted by every command; nothing is random in this one."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
