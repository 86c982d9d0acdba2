"""The commands, as their parsers know them."""

from __future__ import annotations

import argparse
import inspect
import types
import typing
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import typer

from generators.table import code, table
from metasolve.cli.main import FRONT, NAMES

_VALUES = {int: "N", float: "NUMBER", str: "TEXT", Path: "PATH"}


class _Row(NamedTuple):
    shown: str
    meaning: str
    default: str


def markdown() -> str:
    """Write a section for each command."""
    return "\n".join(_in_front(name) if name in FRONT else _other(name) for name in NAMES)


def _section(name: str, usage: str, text: str, rows: list[_Row]) -> str:
    head = f"## metasolve {name}\n\n    {usage}\n\n{_prose(text)}\n"
    cells = ((code(row.shown), row.meaning, row.default) for row in rows)
    return head + ("\n" + table(("", "meaning", "default"), cells) if rows else "")


def _prose(text: str) -> str:
    """Help as paragraphs; a line that shows a command becomes one of code."""
    shown = []
    for line in inspect.cleandoc(text).splitlines():
        lead, example, rest = line.partition("For example: ")
        shown.append(f"For example:\n\n    {rest}\n" if example and not lead else line)
    return "\n".join(shown)


# ---- commands in front of a program: argparse ----


def _in_front(name: str) -> str:
    parser = import_module(f"metasolve.cli.{name}").parser()
    rows = [_argument(each) for each in parser._actions if each.dest != "help"]  # noqa: SLF001
    return _section(name, parser.usage, parser.description, rows)


def _argument(action: argparse.Action) -> _Row:
    flag = ", ".join(action.option_strings)
    value = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
    told, said = _split(action.help or "")
    given = None if action.default in ([], argparse.SUPPRESS) else action.default
    return _Row(f"{flag} {value}".strip(), told, said or _default(given, action.required))


# ---- all others: the signatures that typer reads ----


def _other(name: str) -> str:
    app = typer.Typer()
    import_module(f"metasolve.cli.{name.replace('-', '_')}").register(app)
    function = app.registered_commands[0].callback
    parameters = list(_parameters(function))
    rows = [_row(*each) for each in parameters]
    words = [row.shown for row, (_, info, _, _) in zip(rows, parameters, strict=True) if _is(info)]
    needed = [row.shown for row in rows if row.default == "required" and row.shown not in words]
    more = ["[options]"] if len(rows) > len(words) + len(needed) else []
    usage = " ".join(["metasolve", name, *words, *(each.split(", ")[-1] for each in needed), *more])
    return _section(name, usage, function.__doc__, rows)


def _is(info: Any) -> bool:
    return isinstance(info, typer.models.ArgumentInfo)


def _parameters(function: Callable) -> Iterator[tuple[str, Any, Any, Any]]:
    """Name, what typer was told, type and default of each parameter."""
    hints = typing.get_type_hints(function, include_extras=True)
    for each in inspect.signature(function).parameters.values():
        if hints[each.name] is not typer.Context:
            kind, info = get_args(hints[each.name])
            yield each.name, info, kind, each.default


def _row(name: str, info: Any, kind: Any, given: Any) -> _Row:
    told, said = _split(info.help)
    default = said or _default(None if given is inspect.Parameter.empty else given, False)
    if given is inspect.Parameter.empty:
        default = "required"
    if _is(info):
        word = info.metavar or (name.upper() if default == "required" else f"[{name.upper()}]")
        return _Row(word, told, default)
    # Inside Annotated the first name stands where a default would.
    declared = (info.default, *(info.param_decls or ()))
    flags = [each for each in declared if isinstance(each, str) and each.startswith("-")]
    flags = ", ".join(sorted(flags, key=len)) or f"--{name.replace('_', '-')}"
    if kind is bool:
        return _Row(flags, told, flags.partition("/")[0] if given else "")
    return _Row(f"{flags} {info.metavar or _value(kind)}", told, default)


def _value(kind: Any) -> str:
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(each for each in get_args(kind) if each is not type(None))
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    return _VALUES[get_args(kind)[0] if get_origin(kind) is list else kind]


def _split(told: str) -> tuple[str, str]:
    """Take the default out of a help text, where it is said there."""
    lead, found, said = told.replace("Default: ", "default: ").partition("default: ")
    lead = (lead if found else told).strip().rstrip(";.")
    plain = lead.partition(" ")[0].isalpha()
    return lead[:1].upper() + lead[1:] if plain else lead, said.rstrip(".")


def _default(value: Any, required: bool) -> str:
    return "required" if required else "" if value is None else str(value)
