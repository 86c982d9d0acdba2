"""What a benchmark measured: tables to print, the same as JSON, and a figure to save."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from metasolve.report.drawing import pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
Report = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Section:
    """One table: rows with the same keys, which are its column titles."""

    title: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Result:
    """A benchmark's outcome.

    Attributes
    ----------
    name : of the benchmark.
    settings : what it was run with, enough to repeat it.
    sections : its tables.
    """

    name: str
    settings: Mapping[str, Any]
    sections: Sequence[Section]

    def __repr__(self) -> str:
        rows = sum(len(section.rows) for section in self.sections)
        return f"<Result {self.name}: {len(self.sections)} tables, {rows} rows>"

    def tables(self) -> list[Table]:
        """The sections as tables for a terminal."""
        return [_table(section) for section in self.sections]

    def document(self) -> dict[str, Any]:
        """Everything as plain JSON values; what is not finite becomes null."""
        tables = {section.title: [dict(row) for row in section.rows] for section in self.sections}
        told = {"benchmark": self.name, "settings": dict(self.settings), "tables": tables}
        plain: dict[str, Any] = _plain(told)
        return plain


def silent(what: str, done: int, total: int) -> None:
    """Report no progress."""


def spread(values: Any) -> dict[str, float]:
    """Mean, least and largest over seeds, as columns of a row."""
    values = np.asarray(values, dtype=np.float64)
    return {"mean": float(values.mean()), "min": float(values.min()), "max": float(values.max())}


def panels(count: int, columns: int = 3) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels, drawn without a display."""
    plt = pyplot()
    columns = min(count, columns)
    rows = math.ceil(count / columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(4.6 * columns, 3.8 * rows), layout="constrained", squeeze=False
    )
    flat = list(axes.flat)
    for unused in flat[count:]:
        unused.set_axis_off()
    return figure, flat[:count]


def save(figure: Figure, path: Path) -> None:
    """Write a figure; the suffix of the path gives the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    pyplot().close(figure)


def _table(section: Section) -> Table:
    table = Table(title=section.title, title_justify="left")
    for key, value in section.rows[0].items():
        table.add_column(key, justify="left" if isinstance(value, str) else "right")
    for row in section.rows:
        table.add_row(*(_cell(value) for value in row.values()))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str("-" if value is None else value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
