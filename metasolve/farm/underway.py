"""`UnderWay`: a file that names the evaluation in progress, and outlives a run that dies of it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from metasolve.farm.request import Request

_NAME = "under-way-{}.json"


class UnderWay:
    """Notes what one group evaluates, in ``under-way-<group>.json``.

    Parameters
    ----------
    folder
        Where; None to note nothing.
    group
        Index of the group.
    """

    def __init__(self, folder: Path | None, group: int = 0) -> None:
        self._file = None if folder is None else Path(folder) / _NAME.format(group)

    def begin(self, request: Request) -> None:
        """Note an evaluation, in place of the one before."""
        if self._file is None:
            return
        line = {"instance": request.instance.id, "settings": dict(request.settings)}
        fresh = self._file.with_suffix(".tmp")
        fresh.write_text(json.dumps(line))
        fresh.replace(self._file)

    def end(self) -> None:
        """Note that nothing is being evaluated."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def under_way(folder: Path) -> list[dict[str, Any]]:
    """Return what a run that died was evaluating: ``instance`` (its id) and ``settings`` of each.

    An evaluation that was stopped, or whose run has ended well, is not among them.
    """
    found = []
    for file in sorted(folder.glob(_NAME.format("*"))):
        with contextlib.suppress(FileNotFoundError):  # ended while we looked
            found.append(json.loads(file.read_text()))
    return found
