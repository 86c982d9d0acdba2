"""Arguments that several commands share, and options that are the fields of a document."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

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
State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="Folder of what runs have learned, as metasolve run has it; "
        "default: metasolve in $XDG_STATE_HOME.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def with_fields_of(model: type[BaseModel]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command an option for each field of `model`: type, default and help are the field's.

    The command gets them as one dictionary, `options`.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        fields = model.model_fields

        @functools.wraps(command)
        def call(*arguments: Any, **given: Any) -> Any:
            options = {name: given.pop(name) for name in fields}
            return command(*arguments, options=options, **given)

        signature = inspect.signature(command, eval_str=True)
        own = [each for each in signature.parameters.values() if each.name != "options"]
        added = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=Annotated[field.annotation, typer.Option(help=field.description)],
            )
            for name, field in fields.items()
        ]
        call.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
        call.__annotations__ = {each.name: each.annotation for each in (*own, *added)}
        return call

    return decorate
