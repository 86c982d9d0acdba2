"""What a run that was killed has learned: taken from its journal, and added to the state.

The plug-in writes the state now and then, and at the end, which a killed program does not reach.
Each solve's line is there, though, and says what was `learned`. A line tells of a state after it is
written beside the last one, and before it takes its place. Where a run's last such line tells of
what lies there still, the run was killed in between, and its lessons are not added yet. In all
other cases those before such a line are: of what cannot be told, nothing is added twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metasolve.production import site

if TYPE_CHECKING:
    from metasolve.production.state import Operators

Line = Mapping[str, Any]
_DAMAGED = (KeyError, TypeError, AttributeError, ValueError, ArithmeticError)  # what one leads to


class _Run:
    """What the lines of one run say.

    Attributes
    ----------
    lessons : since the last line that tells of a state.
    saved : lessons that its state is to have beyond the one before.
    before, state : ids of both.
    saves : number of such lines.
    """

    def __init__(self) -> None:
        self.lessons: list[Line] = []
        self.saved: list[Line] = []
        self.before = self.state = ""
        self.saves = 0

    def save(self, before: str, state: str) -> None:
        """Note a line that tells of a state; one that begins as the last did begins it again."""
        again = self.saved if self.state and before == self.before else []
        self.saved, self.lessons = again + self.lessons, []
        self.before, self.state = before, state
        self.saves += 1

    def take_back(self, waiting: str) -> None:
        """Its last state never took its place, if that is the one which waits beside it."""
        if self.state and self.state == waiting:
            self.lessons, self.saved, self.state = self.saved + self.lessons, [], ""
            self.saves -= 1


class Unsaved:
    """Lessons in a journal that no state has yet."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    def watching(self, journal: Iterable[Line]) -> Iterator[Line]:
        """Yield the lines of a journal as they come, and look at them."""
        for line in journal:
            if "learned" in line:
                self._of(line).lessons.append(line)
            elif line.get("source") == "state":
                self._of(line).save(str(line.get("before")), str(line.get("state")))
            yield line

    def _of(self, line: Line) -> _Run:
        return self._runs.setdefault(str(line.get("run")), _Run())

    def of(self, file: Path) -> bool:
        """Whether there may be any that the state in `file` has not."""
        if any(run.lessons for run in self._runs.values()):
            return True
        return bool(self._runs) and site.beside(file).exists()

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
        from metasolve.production import past, replay  # most runs need none of them

        names, mark = replay.candidates(prior)
        with past.alone(file):
            waiting = _waiting(file)
            for name, run in self._runs.items():
                run.take_back(waiting)
                if run.lessons:
                    _add(name, run, file, journal, names, mark)


def _add(name: str, run: _Run, file: Path, journal: Path, names: Sequence[str], mark: str) -> None:
    from metasolve.production import lines, past, replay, state, words

    before, classes = _now(file, mark)
    try:
        for lesson in run.lessons:
            replay.learn(classes, lesson, names)
    except _DAMAGED as error:
        raise words.StateError(f"{journal}: a line of run {name} is damaged") from error
    data = state.written(classes, mark)
    told = (name, time.time(), "state", before, state.digest(data))
    if not run.saves:
        past.set_aside(file)
    site.renew(file, data, journal, dict(zip(lines.STATE, told, strict=True)))
    run.save(before, state.digest(data))


def _waiting(file: Path) -> str:
    """The id of the state that is written and has not taken its place; empty: there is none."""
    from metasolve.production import state

    try:
        return state.digest(site.beside(file).read_bytes())
    except OSError:
        return ""


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
