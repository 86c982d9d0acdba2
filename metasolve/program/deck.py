"""A program's own input file whose variables are changed, of any format that has variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from metasolve.errors import UsageError
from metasolve.program import keys, namelist
from metasolve.solve.solver import Value

_LARGEST = 1 << 20


class Deck(Protocol):
    """What is known of a format."""

    def variables(self, text: str) -> dict[str, tuple[str, Any]]:
        """Name in lower case to its group and value."""

    def changed(self, text: str, values: Mapping[str, Value], group: str | None = None) -> str:
        """Text with values set, all else as it was."""


DECKS: Mapping[str, Deck] = {"namelist": namelist, "keys": keys}


def format_of(path: Path) -> str | None:
    """Which format a file is of; None: none that has variables."""
    if path.stat().st_size > _LARGEST:
        return None
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError):
        return None
    return next((name for name, deck in DECKS.items() if _fits(deck, text)), None)


def _fits(deck: Deck, text: str) -> bool:
    try:
        return bool(deck.variables(text))
    except UsageError:
        return False
