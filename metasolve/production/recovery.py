"""What a run that was killed has learned: taken from its journal, and added to the state.

The plug-in writes the state now and then, and at the end, which a killed program does not reach.
Each solve's line is there, though, and says what was `learned`. A line tells when the state was
written, so that nothing is added twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metasolve.production.state import Operators

Line = Mapping[str, Any]
_DAMAGED = (KeyError, TypeError, AttributeError, ValueError, ArithmeticError)  # what one leads to


class Unsaved:
    """Lessons in a journal that no state has yet."""

    def __init__(self) -> None:
        self._lessons: dict[str, list[Line]] = {}
        self._saved: set[str] = set()

    def watching(self, journal: Iterable[Line]) -> Iterator[Line]:
        """Yield the lines of a journal as they come, and look at them."""
        for line in journal:
            run = str(line.get("run"))
            if "learned" in line:
                self._lessons.setdefault(run, []).append(line)
            elif line.get("source") == "state":
                self._lessons.pop(run, None)
                self._saved.add(run)
            yield line

    def __bool__(self) -> bool:
        return bool(self._lessons)

    def add_to(self, file: Path, prior: Path, journal: Path) -> None:
        """Add them to the state in `file`, as the plug-in does, and tell the journal so.

        Parameters
        ----------
        file, journal
            Of the state, and of the lines.
        prior
            Directory of the prior that the run had.

        Raises
        ------
        StateError
            If the lines are not as the plug-in writes them.
        OSError
            If a file cannot be written; then nothing is added.
        """
        from metasolve.production import past, replay, state, words  # most runs need none of them

        names, mark = replay.candidates(prior)
        with past.alone(file):
            for run, lessons in self._lessons.items():
                before, classes = _now(file, mark)
                try:
                    for lesson in lessons:
                        replay.learn(classes, lesson, names)
                except _DAMAGED as error:
                    raise words.StateError(f"{journal}: a line of run {run} is damaged") from error
                if run not in self._saved:
                    past.set_aside(file)
                data = state.written(classes, mark)
                _replace(file, data, journal, (run, time.time(), "state", before))
        self._lessons.clear()


def _now(file: Path, mark: str) -> tuple[str, list[Operators]]:
    """The id of a state and its classes; what another prior had foreseen is left out."""
    from metasolve.production import state, words

    try:
        data, classes = state.read(file)
    except words.StateError:
        return "", []  # none, or a damaged one: the plug-in, too, begins anew
    if state.mark(data) != mark:
        for each in classes:
            fresh = state.Operators(each.prefix, each.rows, each.block, each.density, each.ranks)
            each.weights, each.known, each.offsets = fresh.weights, fresh.known, fresh.offsets
            each.numbers = fresh.numbers
    return state.digest(data), classes


def _replace(file: Path, data: bytes, journal: Path, told: tuple[Any, ...]) -> None:
    """The line before the state: whoever is killed in between loses lessons, and doubles none."""
    from metasolve.production import lines, site, state

    beside = file.with_name(file.name + ".new")
    try:
        beside.write_bytes(data)
        line = dict(zip(lines.STATE, (*told, state.digest(data)), strict=True))
        with journal.open("ab") as kept:
            site.end_line(journal, kept)
            kept.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        beside.replace(file)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
