"""``metasolve inspect``: what is in a recording, in a model, or known of a program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from metasolve.cli.arguments import Json, State
from metasolve.errors import UsageError

_SHOWN = 40  # entries of a list
_FILES = (".state", ".pinned")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def inspect(
        directory: Annotated[
            Path,
            typer.Argument(
                metavar="DIR|PROGRAM",
                help="Recording or model directory; or a program's name or state file.",
            ),
        ],
        other: Annotated[
            Path | None,
            typer.Argument(
                metavar="[OTHER]", help="Of the same kind, or an id of PROGRAM's state."
            ),
        ] = None,
        state: State = None,
        json_: Json = False,
    ) -> None:
        """Describe a recording, a model, or what runs have learned; or how two of them differ."""
        description = describe(directory, state)
        if other is not None:
            named = _named(directory, other, state)
            description = differing(description, describe(named, state))
        text = _readable(description) or "they do not differ"
        typer.echo(json.dumps(description, indent=1) if json_ else text)


def _named(directory: Path, other: Path, where: Path | None) -> Path:
    """What comes second: behind a program an id of one of its states, if nothing else."""
    from metasolve.production import past, site

    itself = _is_kind(other) or other.suffix in _FILES or site.is_known(str(other), where)
    if itself or not _is_state(directory, where):
        return other
    return past.known(site.known(str(directory), where), str(other)).file


def differing(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what is not the same in two descriptions: both values of it, the first one first.

    Entries of lists that have the name of a class are those of that class.
    """
    found: dict[str, Any] = {}
    for key in [*before, *(key for key in after if key not in before)]:
        a, b = (_by_class(each.get(key)) for each in (before, after))
        if a == b:
            continue
        both = isinstance(a, dict) and isinstance(b, dict)
        found[key] = differing(a, b) if both else {"before": a, "after": b}
    return found


def _by_class(value: Any) -> Any:
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        return {str(each.get("class", i)): each for i, each in enumerate(value)}
    return value


def describe(directory: Path, where: Path | None = None) -> dict[str, Any]:
    """Return what is in a directory.

    Parameters
    ----------
    directory
        Or the name of a program.
    where
        Folder of states; None for the usual one.

    Raises
    ------
    UsageError
        If it is neither a recording nor a model, and no state is known by this name.
    """
    from metasolve.petsc import description
    from metasolve.petsc.launch import MANIFEST
    from metasolve.petsc.recording import Recording
    from metasolve.production import site, state

    if (directory / MANIFEST).is_file():
        return description.of_recording(Recording(directory))
    if _is_model(directory):
        return description.of_model(directory)
    if _is_state(directory, where):
        return state.describe(site.known(str(directory), where))
    raise UsageError(
        f"{directory} is neither a recording ({MANIFEST}) nor a model (model.json), nor a program "
        "of which anything is known: make one with metasolve record, metasolve train or metasolve "
        "run"
    )


def _is_model(directory: Path) -> bool:
    return (directory / "model.json").is_file() or (directory / "policy.txt").is_file()


def _is_kind(directory: Path) -> bool:
    from metasolve.petsc.launch import MANIFEST

    return (directory / MANIFEST).is_file() or _is_model(directory)


def _is_state(directory: Path, where: Path | None) -> bool:
    """Whether a state is meant: a file of one, or a program, which may lie here by its name."""
    from metasolve.production import site

    if directory.suffix in _FILES:
        return True
    if len(directory.parts) != 1 or _is_kind(directory):
        return False
    return not directory.exists() or site.is_known(str(directory), where)


def _readable(entry: dict[str, Any], indent: int = 0) -> str:
    """Write nested JSON as indented lines, small entries on one line."""
    lines = []
    for key, value in entry.items():
        lead = f"{'  ' * indent}{key}:"
        if isinstance(value, dict) and any(map(_is_nested, value.values())):
            lines += [lead, _readable(value, indent + 1)]
        elif isinstance(value, list) and len(value) > _SHOWN:
            first = "; ".join(_flat(each) for each in value[:3])
            lines.append(f"{lead} {len(value)}: {first}; ... (--json lists them)")
        elif isinstance(value, list) and any(map(_is_nested, value)):
            lines += [lead, *(f"{'  ' * indent}  - {_flat(each)}" for each in value)]
        else:
            lines.append(f"{lead} {_flat(value)}".rstrip())
    return "\n".join(lines)


def _is_nested(value: Any) -> bool:
    return isinstance(value, (dict, list))


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{key} {_flat(each)}" for key, each in value.items() if each != "")
    if isinstance(value, list):
        return " ".join(map(_flat, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)
