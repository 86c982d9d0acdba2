"""A report of journals in Python: facts, a screen of text, short tables in a notebook, a page."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from metasolve.report.parts import span, table
from metasolve.report.screen import changed, class_of, screen, slow

_ROWS = 8


@dataclass(frozen=True)
class Shown:
    """What runs have saved. Printed it is what `metasolve report` prints.

    Parameters
    ----------
    document
        All facts, as ``metasolve report --json`` has them.
    """

    document: Mapping[str, Any]

    def __str__(self) -> str:
        return screen(self.document)

    def page(self, file: str | os.PathLike[str]) -> Path:
        """Write one page with pictures, which a browser shows; return its path."""
        from metasolve.report.page import page

        path = Path(file)
        path.write_text(page(self.document), encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        return "\n".join(self._short())

    def _short(self) -> Iterator[str]:
        saved, classes = self.document["saved"], self.document["classes"]
        told = f"{saved['solves']:,} solves; saved {span(saved['saved seconds'])}"
        if saved["least"] is not None:
            told += f", 9 times of 10 from {span(saved['least'])} to {span(saved['most'])}"
        yield f"<p>{escape(told)}</p>"
        many = len({each["program"] for each in classes}) > 1
        rows = [
            (
                escape(class_of(each, many)),
                f"{each['solves']:,}",
                *(span(each[f"{key} seconds"]) for key in ("own", "taken", "saved")),
            )
            for each in classes[:_ROWS]
        ]
        yield table(("class", "solves", "own", "taken", "saved"), rows)
        drift = self.document["drift"]
        told_of = [slow(each) for each in drift["hosts"] if each["certain"]]
        for text in [*told_of, *map(changed, drift["classes"])]:
            yield f"<p>{escape(text)}</p>"


def report(*journals: str | os.PathLike[str]) -> Shown:
    """Sum up what runs have saved.

    Parameters
    ----------
    journals
        Files of ``metasolve run --log``, folders of such, or names of programs; none: all that
        ``metasolve run`` has kept.

    Returns
    -------
    Shown
        For ``print``, or as the last line of a notebook's cell.

    Raises
    ------
    UsageError
        If there is no such journal, or it is something else.

    Examples
    --------
    >>> metasolve.report("runs.jsonl").page("report.html")  # doctest: +SKIP
    """
    from metasolve.production import reading
    from metasolve.production.report import Report

    made = Report()
    made.read(reading.journals([os.fspath(each) for each in journals]))
    return Shown(made.document())
