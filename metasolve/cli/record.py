"""``metasolve record``: run a program as it is, and keep the systems it solves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from metasolve.cli.front import COMMAND, Parser, positive, prefixes
from metasolve.errors import RecordingError, UsageError
from metasolve.files.unwritable import full

if TYPE_CHECKING:
    from metasolve.petsc.recording import Recording

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
    made.add_watched()
    made.add_seed()
    return made


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit code of the program."""
    asked, command = parser().read_with_command(words)
    from metasolve.petsc import launch
    from metasolve.petsc.conduct import Watch

    if launch.is_off():
        raise UsageError("METASOLVE_OFF is set, so nothing can be recorded: unset it")
    size = None if asked.max_bytes is None else parse_bytes(asked.max_bytes)
    before = _recorded(asked.out)
    watch = Watch(
        prefixes(asked), asked.every, asked.max_systems, size, direct=asked.direct == "on"
    )
    code = launch.record(command, asked.out, watch)
    if code not in (launch.NOT_FOUND, launch.NOT_EXECUTABLE):
        told = _summary(asked.out, before, code)
        launch.say(f"{launch.ended(code)}{told}")
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


def _summary(out: Path, before: Recording | None, code: int) -> str:
    try:
        after = _recorded(out)
    except RecordingError as error:
        return str(error)
    if after is None or len(after.runs) == (0 if before is None else len(before.runs)):
        unwritten = full(out)
        if unwritten:
            return f"nothing recorded in {out}: it cannot be written ({unwritten})"
        why = (
            ": no PETSc loaded the plug-in (static, or not there?); metasolve doctor says what it "
            "needs"
        )
        return f"nothing recorded in {out}{'' if code else why}"
    solves, left_out, left = _new(after, before)
    told = "".join(
        f"; recording stopped: {why}" if kind == "stopped" else f"; {n} not recorded: {why}"
        for (kind, why), n in left_out.items()
    )
    told += "".join(f"; {n} left alone: {why}" for why, n in left.items())
    if not solves and not told:
        return f"0 systems recorded in {out}: the command solved no linear system with a KSP"
    operators = len(after.operators())
    return (
        f"{solves} system{'s' * (solves != 1)} recorded{told}; {out} now holds "
        f"{len(after.solves)} ({operators} different operator{'s' * (operators != 1)})"
    )


def _new(
    after: Recording, before: Recording | None
) -> tuple[int, Counter[tuple[str, str]], Counter[str]]:
    """Solves recorded since, and those that were not, by kind and why."""
    solves, skipped, left = len(after.solves), after.skipped, after.left
    if before is not None:
        solves -= len(before.solves)
        skipped, left = skipped[len(before.skipped) :], left - before.left
    return solves, Counter((each.kind, each.why) for each in skipped), +left
