"""``metasolve record``: run a program as it is, and keep the systems it solves."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metasolve.cli.arguments import Command, Prefix, Seed
from metasolve.errors import RecordingError, UsageError

if TYPE_CHECKING:
    from metasolve.petsc.recording import Recording

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def record(
        command: Command,
        out: Annotated[
            Path, typer.Option("-o", "--out", help="Recording directory; made, or added to.")
        ],
        every: Annotated[int | None, typer.Option(help="Record one solve in so many.")] = None,
        max_systems: Annotated[int | None, typer.Option(help="Stop after so many solves.")] = None,
        max_bytes: Annotated[
            str | None, typer.Option(help="Stop when the directory is this large, such as 2G.")
        ] = None,
        prefix: Prefix = None,
        seed: Seed = None,  # noqa: ARG001 (scripts pass one seed to all commands)
    ) -> int:
        """Run COMMAND as it is and record the linear systems it solves.

        The exit code is the command's own.
        """
        from metasolve.petsc import launch

        size = None if max_bytes is None else parse_bytes(max_bytes)
        before = _recorded(out)
        code = launch.record(command, out, launch.Watch(prefix, every, max_systems, size))
        if code not in (launch.NOT_FOUND, launch.NOT_EXECUTABLE):
            ended = f"the command ended with exit code {code}; " if code else ""
            sys.stderr.write(f"metasolve: {ended}{_summary(out, before)}\n")
        return code


def parse_bytes(text: str) -> int:
    """Read a number of bytes such as ``500M`` or ``2G``."""
    found = re.fullmatch(r"(\d+(?:\.\d*)?)\s*([kmgt]?)i?b?", text.strip().lower())
    if not found:
        raise UsageError(f"max-bytes={text!r} is not a size: write 500M or 2G")
    return int(float(found[1]) * _UNITS[found[2]])


def _recorded(out: Path) -> Recording | None:
    from metasolve.petsc.recording import MANIFEST, Recording

    return Recording(out) if (out / MANIFEST).exists() else None


def _summary(out: Path, before: Recording | None) -> str:
    try:
        after = _recorded(out)
    except RecordingError as error:
        return str(error)
    runs, solves, skipped = (len(each) for each in _parts(before))
    if after is None or len(after.runs) == runs:
        return (
            f"nothing recorded in {out}: no KSP of the command met the plug-in "
            "(PETSc linked statically, or no PETSc?); metasolve doctor says what it needs"
        )
    fresh = len(after.solves) - solves
    if not fresh and len(after.skipped) == skipped:
        return (
            f"0 systems recorded in {out}: every solve of the command is direct, inside another "
            "solver or of a kind left alone (docs/plugin.md), or has another prefix"
        )
    left_out = Counter(each.why for each in after.skipped[skipped:])
    told = "".join(f"; {n} not recorded: {why}" for why, n in left_out.items())
    operators = len(after.operators())
    return (
        f"{fresh} system{'s' * (fresh != 1)} recorded{told}; {out} now holds {len(after.solves)} "
        f"({operators} different operator{'s' * (operators != 1)})"
    )


def _parts(recording: Recording | None) -> tuple[list, list, list]:
    if recording is None:
        return [], [], []
    return recording.runs, recording.solves, recording.skipped
