"""Sums over the lines of a journal, each of which is looked at once."""

from __future__ import annotations

import contextlib
import heapq
import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from metasolve.production.cells import HOUR, Cell, Key
from metasolve.production.reading import Journal, JournalError
from metasolve.production.remedies import without_numbers
from metasolve.production.state import digest
from metasolve.production.totals import Pairs, Run, State, Totals

MANY = 1e12  # seconds: a line with more is damaged
WORST = 5
LARGE = 64 << 20  #: bytes, beyond which journals are read by several processes
CHOSEN = ("model", "second", "switched")  #: sources of answers that are not own settings'
#: Why own settings solved where too little or too much was expected of them: no sample of all.
_SELECTED = (
    "time budget of",
    "attempt given up",
    "another attempt might cost more",
    "the set-up is expected to take longer",
    "no other settings are expected to gain enough",
)
ADVISED = "only advice was asked for"
_PRECONDITIONERS = ("built", "updated", "kept", "rebuilt")
_NAMES = {
    "second": "second choice",
    "switched": "own given up",
    "fallback": "fallback",
    "refused": "own settings",
}
Reasons = defaultdict[str, list[float]]


class Sums:
    """Sums over the lines of journals.

    Attributes
    ----------
    cells : sums over solves that are alike, of which all tables are made.
    runs : by their names.
    pairs : how wrong expectations are.
    advised : solves under --advise, whose seconds are what was foreseen of the candidate.
    canaries, sampled : solves made by own settings as well; and all of which they are a sample.
    alone, failed : numbers of solves and seconds, by why own settings solved or an attempt failed.
    left : numbers of solves without a line, by kind.
    preconditioners : numbers of changed operators, by what became of the preconditioner.
    unfamiliar : number of solves that the prior chose for, in runs with a model.
    journals, left_out : that were read; and those found in a folder that could not be.
    others : numbers of nonlinear solves, and of runs of whole programs.
    worst : lost seconds, file, line, and what it says.
    """

    def __init__(self) -> None:
        self.cells: defaultdict[Key, Cell] = defaultdict(Cell)
        self.runs: defaultdict[str, Run] = defaultdict(Run)
        self.pairs, self.canaries, self.sampled = Pairs(), Pairs(), Totals()
        self.advised = Totals()
        self.alone: Reasons = defaultdict(_nothing)
        self.failed: Reasons = defaultdict(_nothing)
        self.left: Counter[str] = Counter()
        self.preconditioners: Counter[str] = Counter()
        self.unfamiliar = 0
        self.others: Counter[str] = Counter()
        self.journals: list[Journal] = []
        self.left_out: list[JournalError] = []
        self.states: list[State] = []
        self.worst: list[tuple[float, str, int, dict[str, Any]]] = []
        self._seen: set[tuple[str, str]] = set()  # (program, class)

    @classmethod
    def of(cls, journal: Journal) -> Sums:
        """Sum up a journal.

        Raises
        ------
        JournalError
            If it is something else, and was named.
        """
        try:
            return cls._of(journal)
        except JournalError as error:
            if not journal.found:
                raise
            made = cls()
            made.left_out = [error]
            return made

    @classmethod
    def _of(cls, journal: Journal) -> Sums:
        made = cls()
        made.journals, made.states = [journal], [State(journal.path.stem)]
        for line in journal:
            journal.damaged += not made._added(line)
        with contextlib.suppress(OSError):  # it is not there, or not ours
            made.states[-1].file = digest(journal.state.read_bytes())
        if journal.beside:
            made.states[-1].name = journal.path.stem
            made.states[-1].gone = not journal.state.exists()
        return made

    @classmethod
    def of_all(cls, journals: list[Journal]) -> Sums:
        """Sum up journals; large ones by as many processes as there are cores.

        Raises
        ------
        JournalError
            If one that was named is something else, or all of them are.
        """
        made = cls._of_each(journals)
        if made.left_out and not made.journals:
            raise made.left_out[0]
        return made

    @classmethod
    def _of_each(cls, journals: list[Journal]) -> Sums:
        made = cls()
        size = sum(file.stat().st_size for each in journals for file in each.files)
        processes = min(len(journals), len(os.sched_getaffinity(0)))
        if size < LARGE or processes < 2:
            for journal in journals:
                made.merge(cls.of(journal))
            return made
        with ProcessPoolExecutor(processes, get_context("fork")) as pool:
            for each in pool.map(cls.of, journals):
                made.merge(each)
        return made

    def merge(self, other: Sums) -> None:
        """Add those of other journals."""
        for key, cell in other.cells.items():
            self.cells[key].merge(cell)
        for name, run in other.runs.items():
            self.runs[name].merge(run)
        for mine, others in ((self.alone, other.alone), (self.failed, other.failed)):
            for why, (n, seconds) in others.items():
                mine[why][0] += n
                mine[why][1] += seconds
        self.pairs.merge(other.pairs)
        self.canaries.merge(other.canaries)
        self.advised.merge(other.advised)
        self.sampled.merge(other.sampled)
        self.left.update(other.left)
        self.preconditioners.update(other.preconditioners)
        self.unfamiliar += other.unfamiliar
        self.others.update(other.others)
        self.journals += other.journals
        self.left_out += other.left_out
        self.states += other.states
        self.worst = heapq.nlargest(WORST, self.worst + other.worst)

    # ---- a line ----

    def _added(self, line: Mapping[str, Any]) -> bool:
        try:
            self._add(line)
        except (KeyError, TypeError, AttributeError, ValueError):
            return False
        return True

    def _add(self, line: Mapping[str, Any]) -> None:
        if "solve" in line:
            self._solve(line)
        elif line["source"] == "run":
            self._head(line)
        elif line["source"] == "state":
            self._until(line, self._saved(line))
        elif line["source"] == "rollback":
            self._saved(line)
        elif line["source"] == "left":
            self.left[str(line["why"])] += int(line["solves"])
            self._until(line, _number(line["time"]))
        elif "command" in line:
            self.others["runs of whole programs"] += 1
        elif line["kind"] == "nonlinear":
            self.others["nonlinear solves"] += 1
        else:
            raise ValueError(line["kind"])

    def _head(self, line: Mapping[str, Any]) -> None:
        begin, program, ranks = _number(line["time"]), str(line["program"]), int(line["ranks"])
        run = self.runs[str(line["run"])]
        if not run.begin:  # each file has the head again
            run.begin, run.program, run.ranks = begin, program, ranks
            run.host, run.state = str(line["host"]), str(line["state"])
            run.canary = _number(line.get("canary", 0.0))
            run.end = max(run.end, begin)
        if not self.states[-1].id:
            self.states[-1].name = program

    def _saved(self, line: Mapping[str, Any]) -> float:
        last, moment = self.states[-1], _number(line["time"])
        if moment >= last.time:
            last.id, last.time = str(line["state"]), moment
            run = self.runs.get(str(line.get("run")))
            last.name = run.program if run is not None and run.begin else last.name
        return moment

    def _until(self, line: Mapping[str, Any], moment: float) -> None:
        run = self.runs[str(line["run"])]
        run.end = max(run.end, moment)

    def _solve(self, line: Mapping[str, Any]) -> None:
        taken, expected, own = line["seconds"]["total"], line["own_expected"], line["own_taken"]
        moment, rows, iterations = line["time"], line["rows"], line.get("iterations", 0)
        canary = line.get("canary")
        if "wall" in line:  # the others are of counted work
            taken, expected, own, canary = line["wall"], None, None, None
        _check(taken, moment, rows, iterations, expected or 0, own or 0, canary or 0)
        source, why, candidate = line["source"], _text(line["why"]), _text(line["candidate"])
        run, name = self.runs[_text(line["run"])], _text(line["class"])
        if why == ADVISED and own is not None and line["foreseen"] is not None:
            self.advised.add(own, None, _number(line["foreseen"]) + line["seconds"]["decision"])
        if run.canary and source in CHOSEN and line.get("contract") != "own test":
            foreseen = taken if expected is None else expected
            self.sampled.add(canary, foreseen, taken)
            if canary is not None:
                self.canaries.add(canary, foreseen)
        if canary is not None:
            own = canary
        chosen = candidate if source in CHOSEN else ""
        hour, fresh = int(moment // HOUR), bool(line.get("new_operator"))
        cell = self.cells[Key(line["run"], name, self._who(line, run), chosen, fresh, hour)]
        cell.add(own, expected, taken, moment, rows, iterations)
        if own is not None and expected is not None and not why.startswith(_SELECTED):
            self.pairs.add(own, expected)
        if line.get("preconditioner") in _PRECONDITIONERS:
            self.preconditioners[line["preconditioner"]] += 1
        self.unfamiliar += bool(line.get("unfamiliar"))
        run.end = max(run.end, moment)
        self._seen.add((run.program, name))
        if why and source != "switched":  # which is own settings' failure
            reason = (self.alone if source == "refused" else self.failed)[without_numbers(why)]
            reason[0] += 1
            reason[1] += taken
        own = expected if own is None else own
        if own is not None and taken > own:
            self._lost(taken - own, line)

    def _who(self, line: Mapping[str, Any], run: Run) -> str:
        """Name the source of an answer."""
        source: str = line["source"]
        if source != "model":
            return _NAMES.get(source, "other")
        if not line["candidate"]:
            return "model" if line["settings"] else "guess"
        known = run.state or (run.program, line["class"]) in self._seen
        return "learned" if known else "prior"

    def _lost(self, seconds: float, line: Mapping[str, Any]) -> None:
        journal = self.journals[-1]
        if len(self.worst) < WORST:
            heapq.heappush(self.worst, (seconds, str(journal.path), journal.lines, dict(line)))
        elif seconds > self.worst[0][0]:
            entry = (seconds, str(journal.path), journal.lines, dict(line))
            heapq.heapreplace(self.worst, entry)


def _nothing() -> list[float]:
    return [0, 0.0]


def _check(*numbers: Any) -> None:
    if not 0 <= min(numbers) <= max(numbers) < MANY:  # JSON has no NaN, which would pass
        raise ValueError(numbers)


def _number(x: Any) -> float:
    if not 0 <= x < MANY:
        raise ValueError(x)
    return float(x)


def _text(x: Any) -> str:
    if not isinstance(x, str):
        raise TypeError(x)
    return x
