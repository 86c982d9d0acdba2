"""`Finished`: cases that have ended, a line of JSON each, so that a killed run goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Finished:
    """What is known of cases.

    Parameters
    ----------
    file : has a line for each; a line torn by a kill is of a case that did not end.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        text = file.read_text() if file.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            file.write_text(whole)
        self.rows: list[Row] = [json.loads(line) for line in whole.splitlines()]

    def has(self, name: str, ranks: int) -> bool:
        """Whether a case has ended."""
        return any(row["name"] == name and row["ranks"] == ranks for row in self.rows)

    def forget(self, name: str, ranks: int) -> None:
        """Forget a case, so that it runs again."""
        self.rows = [r for r in self.rows if (r["name"], r["ranks"]) != (name, ranks)]
        self._file.write_text("".join(json.dumps(row) + "\n" for row in self.rows))

    def add(self, row: Row) -> None:
        """Keep what came of a case."""
        self.rows.append(row)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a") as out:
            out.write(json.dumps(row) + "\n")
