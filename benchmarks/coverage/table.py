"""The table of all cases: text for a terminal, Markdown for the manual, plain JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.coverage import reach

Row = dict[str, Any]
COLUMNS = (
    *("program", "configuration", "ranks", "way", "solves", "acted on", "left alone, why"),
    *("answer kept", "counts kept", "solves ratio", "whole ratio"),
)
_RIGHT = ("ranks", "solves", "acted on", "solves ratio", "whole ratio")


def lines_of(row: Row) -> list[list[str]]:
    """Return the lines of a case in the table: one for each way; one where none came about."""
    start = [row["program"], row["configuration"], str(row["ranks"])]
    if not row.get("ways"):
        return [[*start, "-", "-", "-", f"problem: {row.get('problem', '')[:80]}", *["-"] * 4]]
    return [[*start, way, *_cells(told)] for way, told in row["ways"].items()]


def _cells(told: Row) -> list[str]:
    whys = "; ".join(f"{count} x {why}" for why, count in told["why"].items())
    return [
        str(told["solves"]),
        str(told["acted on"]),
        whys or "-",
        _yes(told.get("answer kept"), "-"),
        _yes(told.get("counts kept"), "none"),
        ratio(told.get("in solves"), told.get("solver seconds")),
        ratio(told.get("whole"), told.get("whole seconds")),
    ]


def ratio(values: Sequence[float] | None, seconds: float | None) -> str:
    """Return the median of ratios, their extremes, and the plain seconds."""
    if not values:
        return "-"
    middle = statistics.median(values)
    plain = "" if seconds is None else f" of {seconds:.2g} s"
    return f"{middle:.2f} ({min(values):.2f}-{max(values):.2f}){plain}"


def problems(rows: Sequence[Row]) -> list[Row]:
    """Cases in which something is wrong."""
    return [row for row in rows if row.get("problem")]


def as_text(rows: Sequence[Row]) -> str:
    """For a terminal: a block for each case, as the table is wide."""
    lines = []
    for row in rows:
        lines.append(f"{row['name']} on {row['ranks']} rank{'s' * (row['ranks'] != 1)}")
        for told in [] if row.get("skip") else lines_of(row):
            named = zip(COLUMNS[4:], told[4:], strict=True)
            lines.append(f"  {told[3]}: " + ", ".join(f"{name} {cell}" for name, cell in named))
        lines += [f"  {way}: {settings}" for way, settings in _chosen(row)]
        for kind in ("skip", "problem"):
            if row.get(kind):
                lines.append(f"  {kind.upper()}: {row[kind]}")
    return "\n".join([*lines, *reach.lines_of(rows)]) + "\n"


def _chosen(row: Row) -> list[tuple[str, str]]:
    """Return what was chosen most often in each way."""
    chosen = []
    for way, told in row.get("ways", {}).items():
        model = f" ({row['model']})" if way == "learned" and row.get("model") else ""
        chosen.append((f"{way}{model}", told["settings"] or "nothing accepted"))
    return chosen


def as_markdown(rows: Sequence[Row], made_by: str) -> str:
    """For docs/results."""
    ran = [row for row in rows if not row.get("skip")]
    lines = ["# Real programs", "", *PREFACE.splitlines(), "", made_by, ""]
    lines += _table(COLUMNS, [line for row in ran for line in lines_of(row)])
    lines += [line for sentence in reach.lines_of(ran) for line in ("", sentence)]
    lines += ["", "## Found problems", ""]
    found = [[row["name"], str(row["ranks"]), row["problem"]] for row in problems(rows)]
    lines += _table(("case", "ranks", "what"), found) if found else ["None."]
    lines += ["", "## What was chosen", ""]
    chosen = [[row["name"], str(row["ranks"]), *each] for row in ran for each in _chosen(row)]
    lines += _table(("case", "ranks", "way", "settings accepted most often"), chosen)
    skipped = [[row["name"], str(row["ranks"]), row["skip"]] for row in rows if row.get("skip")]
    if skipped:
        lines += ["", "## Skipped", "", *_table(("case", "ranks", "why"), skipped)]
    return "\n".join(lines) + "\n"


PREFACE = """\
Here you see what metasolve does to programs that nobody here wrote. Each is run plainly; under the
*prior* that comes with metasolve, as `metasolve run -- COMMAND` does; recorded; and under a model
*learned* from that recording. *Acted on* are the solves whose answer is not that of the program's
own settings, counted over all runs. Ratios are theirs over ours, medians of rounds in which the
ways take turns, with the extremes and the plain seconds. *Solves ratio* counts the time in solvers
by PETSc's own log: set-up, features, decision and verification, on both sides."""


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"

    rule = ["---:" if title in _RIGHT else "---" for title in titles]
    return [line(titles), line(rule), *map(line, rows)]


def _yes(value: bool | None, unknown: str) -> str:
    return unknown if value is None else ("yes" if value else "**no**")
