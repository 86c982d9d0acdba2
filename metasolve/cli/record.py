"""``metasolve record``: run a program as it is, and keep the systems it solves."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from metasolve.cli.front import COMMAND, Parser, positive
from metasolve.errors import RecordingError, UsageError

if TYPE_CHECKING:
    from metasolve.petsc.recorded_solve import RecordedSolve
    from metasolve.petsc.recording import Recording, Run, Skipped

HELP = """Run COMMAND as it is and record the linear systems it solves.

The exit code is the command's own."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def parser() -> Parser:
    """Return the parser of this command."""
    made = Parser("record", HELP)
    made.usage = f"metasolve record -o DIR [options] {COMMAND}"
    made.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="recording directory; made, or added to",
    )
    made.add_argument("--every", type=positive, metavar="N", help="record one solve in N")
    made.add_argument("--max-systems", type=positive, metavar="N", help="stop after N solves")
    made.add_argument("--max-bytes", help="stop when the directory is this large, such as 2G")
    made.add_prefix()
    made.add_seed()
    return made


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit code of the program."""
    asked, command = parser().read_with_command(words)
    from metasolve.petsc import launch

    size = None if asked.max_bytes is None else parse_bytes(asked.max_bytes)
    before = _recorded(asked.out)
    watch = launch.Watch(asked.prefix, asked.every, asked.max_systems, size)
    code = launch.record(command, asked.out, watch)
    if code not in (launch.NOT_FOUND, launch.NOT_EXECUTABLE):
        ended = f"the command ended with exit code {code}; " if code else ""
        sys.stderr.write(f"metasolve: {ended}{_summary(asked.out, before)}\n")
    return code


def parse_bytes(text: str) -> int:
    """Read a number of bytes such as ``500M`` or ``2G``."""
    found = re.fullmatch(r"(\d+(?:\.\d*)?)\s*([kmgt]?)i?b?", text.strip().lower())
    if not found:
        raise UsageError(f"max-bytes={text!r} is not a size: write 500M or 2G")
    return int(float(found[1]) * _UNITS[found[2]])


def _recorded(out: Path) -> Recording | None:
    from metasolve.petsc.launch import MANIFEST
    from metasolve.petsc.recording import Recording

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


def _parts(recording: Recording | None) -> tuple[list[Run], list[RecordedSolve], list[Skipped]]:
    if recording is None:
        return [], [], []
    return recording.runs, recording.solves, recording.skipped
