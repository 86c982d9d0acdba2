"""Runs every case that has not ended yet, and says how far it is."""

from __future__ import annotations

import compileall
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import metasolve
from benchmarks.coverage import packages, table
from benchmarks.coverage.catalogue import ENTRIES
from benchmarks.coverage.entry import Entry, chosen
from benchmarks.coverage.examine import Bench, examine
from benchmarks.coverage.finished import Finished
from metasolve.errors import UsageError

Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What the command line asks for; see ``python -m benchmarks coverage --help``."""

    only: tuple[str, ...]
    ranks: tuple[int, ...]
    ways: tuple[str, ...]
    repeats: int
    work: Path
    install: bool
    again: bool
    report: bool
    list: bool
    json: Path | None
    markdown: Path | None


def execute(asked: Asked) -> int:
    """Run the command; return its exit code, 1 where there is a problem.

    Raises
    ------
    UsageError
        If no entry has such a name.
    """
    entries = chosen(ENTRIES, asked.only)
    if not entries:
        raise UsageError(f"--only {asked.only[0]}: no entry is called so; see --list")
    if asked.list:
        sys.stdout.write("".join(f"{x.name:<28} {x.program}: {x.configuration}\n" for x in entries))
        return 0
    rows = _rows(entries, asked)
    sys.stdout.write(table.as_text(rows))
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")
    if asked.markdown:
        asked.markdown.write_text(table.as_markdown(rows, made_by()))
    return int(bool(table.problems(rows)))


def made_by() -> str:
    """Return the line that says how the page was made."""
    from metasolve.petsc import installation

    petsc = installation.find().version
    return f"`make coverage` on {time.strftime('%Y-%m-%d')}, PETSc {petsc}."


def _rows(entries: Sequence[Entry], asked: Asked) -> list[Row]:
    work = asked.work.resolve()
    if asked.report:
        known = {entry.name for entry in entries}
        rows = Finished(work / "cases.jsonl").rows
        return [row for row in rows if row["name"] in known and row["ranks"] in asked.ranks]
    compileall.compile_dir(Path(metasolve.__file__).parent, quiet=2)  # as an installation has it
    if asked.install:
        left = packages.install(sorted({name for each in entries for name in each.packages}))
        _say(f"coverage: {left}") if left else None
    return run(
        entries, asked.ranks, Bench(work, asked.ways, asked.repeats, _say), again=asked.again
    )


def run(entries: Sequence[Entry], ranks: Sequence[int], bench: Bench, *, again: bool) -> list[Row]:
    """Examine entries on so many ranks.

    Parameters
    ----------
    again : also what has ended; otherwise the same command goes on where it stopped.

    Returns
    -------
    list
        Of all these cases, with those that had ended before.
    """
    finished = Finished(bench.work / "cases.jsonl")
    cases = [(each, n) for n in ranks for each in entries if n in each.ranks]
    if again:
        for entry, n in cases:
            finished.forget(entry.name, n)
            shutil.rmtree(bench.work / "programs" / entry.name, ignore_errors=True)
    todo = [(entry, n) for entry, n in cases if not finished.has(entry.name, n)]
    began = time.monotonic()
    for number, (entry, n) in enumerate(todo):
        title = (
            f"{number + 1} of {len(todo)}{_left(began, number, len(todo))}: {entry.name}, {n} ranks"
        )
        row = examine(entry, n, replace(bench, say=_Steps(title)))
        finished.add(row)
        _say(f"{title}: {verdict(row)}")
    known = {(entry.name, n) for entry, n in cases}
    return [row for row in finished.rows if (row["name"], row["ranks"]) in known]


def verdict(row: Row) -> str:
    """Return a case in a few words."""
    if row.get("skip"):
        return f"skipped: {row['skip']}"
    if row.get("problem"):
        return f"PROBLEM: {row['problem']}"
    return ", ".join(
        f"{way}: {told['acted on']} of {told['solves']} solves acted on"
        for way, told in row["ways"].items()
    )


class _Steps:
    def __init__(self, title: str) -> None:
        self._title = title

    def __call__(self, what: str) -> None:
        _say(f"{self._title}: {what}")


def _left(began: float, done: int, total: int) -> str:
    if not done:
        return ""
    seconds = (time.monotonic() - began) / done * (total - done)
    return f", {int(seconds) // 60 + 1} min left"


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M')} {text}\n")
    sys.stderr.flush()
