"""What the journal of a program tells a training: how long candidates took beside the foreseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metasolve.errors import UsageError
from metasolve.production.journal import read

MOST = 400  #: the latest so many: more would tell the same, and a training's log holds them

Entry = list[Any]


def lessons(journal: Path) -> list[Entry]:
    """The latest solves that the prior learned from: name, ln(seconds / foreseen), thousandths.

    The last are what the parts of the prior had said, see ``learned`` in the reference of the
    journal.

    Raises
    ------
    UsageError
        If there is no such file, or no such solve in it.
    """
    if not journal.is_file():
        raise UsageError(
            f"journal={str(journal)!r} is no file; metasolve run --log FILE -- COMMAND writes one"
        )
    found = [
        [name, beyond, parts]
        for line in read(journal)
        for name, (beyond, _, parts) in line.get("learned", {}).get("seen", {}).items()
    ]
    if not found:
        raise UsageError(
            f"journal={str(journal)!r} tells of no solve that the prior learned from; "
            "leave --journal out"
        )
    return found[-MOST:]
