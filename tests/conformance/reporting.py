"""The outcome of many cases as a table: text for a terminal, Markdown for the manual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

Row = dict[str, Any]
COLUMNS = (
    *("way", "run", "same", "how it was solved", "numbers", "text"),
    *(FORGIVEN := ("plain varies", "as options do")),
    "suspect",
)
MORE = ("solves", "accepted", "cases with one accepted")
_REASONS = 12


def suspects(rows: Sequence[Row], way: str) -> list[tuple[Row, list[str]]]:
    """Cases to look at: what differs as a fault would, and differs not so between plain runs."""
    ran = ((row, row["ways"][way]) for row in rows if way in row.get("ways", {}))
    return [(row, r["suspect"]) for row, r in ran if r["suspect"] and not forgiven(r)]


def forgiven(ran: Row) -> str:
    """Why a difference is none of ours: the first column that says so; else empty."""
    return next((name for name in FORGIVEN if ran.get(name)), "")


def ways(rows: Sequence[Row]) -> list[str]:
    """Ways in which at least one case ran."""
    return list(dict.fromkeys(way for row in rows for way in row.get("ways", {})))


def counts(rows: Sequence[Row], way: str) -> dict[str, int | str]:
    """Numbers of a way, by the name of their column."""
    ran = [row["ways"][way] for row in rows if way in row.get("ways", {})]
    odd = [each for each in ran if each["suspect"]]
    kinds = Counter(each["kind"] for each in ran if not each["suspect"])
    return {
        "way": way,
        "run": len(ran),
        **{name: kinds[name] for name in COLUMNS[2:6]},
        **{name: sum(forgiven(each) == name for each in odd) for name in FORGIVEN},
        "suspect": sum(not forgiven(each) for each in odd),
        "solves": sum(each["solves"] for each in ran),
        "accepted": sum(each["accepted"] for each in ran),
        "cases with one accepted": sum(each["accepted"] > 0 for each in ran),
    }


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """All numbers and suspects as plain JSON."""
    return {
        "cases": len(rows),
        "skipped": dict(Counter(row["skip"] for row in rows if "skip" in row).most_common()),
        "ways": [counts(rows, way) for way in ways(rows)],
        "suspects": [
            {"way": way, "case": row["case"], "model": row["model"], "why": why}
            for way in ways(rows)
            for row, why in suspects(rows, way)
        ],
        "left alone": {way: dict(_reasons(rows, way)) for way in ways(rows)},
    }


def _reasons(rows: Sequence[Row], way: str) -> list[tuple[str, int]]:
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row.get("ways", {}).get(way, {}).get("why", {}))
    return total.most_common(_REASONS)


def as_text(rows: Sequence[Row]) -> str:
    """For a terminal."""
    told = summary(rows)
    skipped = sum(told["skipped"].values())
    lines = [f"{told['cases']} cases, {skipped} of them skipped"]
    table = [[*COLUMNS, *MORE], *([str(v) for v in each.values()] for each in told["ways"])]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines += ["  ".join(map(str.rjust, row, widths)) for row in table]
    lines += [f"suspect: {_suspect(each)}" for each in told["suspects"]]
    for way, reasons in told["left alone"].items():
        lines += [f"{way}: {count} x {why}" for why, count in reasons.items()]
    return "\n".join(lines) + "\n"


def as_markdown(rows: Sequence[Row], made_by: str) -> str:
    """For docs/results: tables with what was run, and by which command."""
    told = summary(rows)
    lines = ["# PETSc's own tests with the plug-in", "", *_preface(told, made_by), ""]
    lines += _table([*COLUMNS, *MORE], ([str(v) for v in x.values()] for x in told["ways"]))
    lines += ["", "## Suspects", ""]
    lines += [f"- {_suspect(each)}" for each in told["suspects"]] or ["None."]
    for way, reasons in told["left alone"].items():
        lines += ["", f"## Left to the program: {way}", ""]
        lines += _table(["solves", "why"], ([str(n), why] for why, n in reasons.items()))
    lines += ["", "## Skipped", ""]
    lines += _table(["cases", "why"], ([str(n), why] for why, n in told["skipped"].items()))
    return "\n".join(lines) + "\n"


def _preface(told: dict[str, Any], made_by: str) -> Iterator[str]:
    skipped = sum(told["skipped"].values())
    yield f"{made_by}. {told['cases']} cases, {skipped} of them skipped."
    yield "A solve is *accepted* where its answer is that of the model's settings, verified."
    yield "*Plain varies*: so do two runs without metasolve. *As options do*: the program without"
    yield "metasolve says the same when it is given the settings as options of PETSc."


def _suspect(each: dict[str, Any]) -> str:
    return f"{each['case']} ({each['way']}, {each['model']}): {'; '.join(each['why'])}"


def _table(header: Sequence[str], rows: Iterator[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines]
