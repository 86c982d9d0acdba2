"""What runs have saved, by the lines of their journals: sums that are made line by line.

Saved is what the program's own settings would have taken, less what was taken. Where they solved in
the end it was measured; elsewhere it was expected, and `Pairs` say how wrong that is.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from metasolve.production.reading import Journal
from metasolve.production.remedies import remedy, without_numbers
from metasolve.production.state import digest
from metasolve.production.totals import Pairs, Run, State, Totals

MANY = 1e12  # seconds: a line with more is damaged
WORST = 5
#: Why own settings solved where too little or too much was expected of them: no sample of all.
_CHOSEN = (
    "time budget of",
    "attempt given up",
    "another attempt might cost more",
    "the set-up is expected to take longer",
    "the program's own settings are expected to be faster",
)
_PRECONDITIONERS = ("built", "updated", "kept", "rebuilt")
_NAMES = {
    "second": "second choice",
    "switched": "own given up",
    "fallback": "fallback",
    "refused": "own settings",
}


class Report:
    """Sums over the lines of journals.

    Attributes
    ----------
    totals : of all solves.
    classes, sources, candidates : of the solves of each.
    runs : by their names.
    pairs : how wrong expectations are.
    alone, failed : numbers of solves and seconds, by why own settings solved or an attempt failed.
    left : numbers of solves without a line, by kind.
    preconditioners : numbers of changed operators, by what became of the preconditioner.
    others : numbers of nonlinear solves, and of runs of whole programs.
    """

    def __init__(self) -> None:
        self.totals, self.pairs = Totals(), Pairs()
        self.classes: defaultdict[str, Totals] = defaultdict(Totals)
        self.sources: defaultdict[str, Totals] = defaultdict(Totals)
        self.candidates: defaultdict[str, Totals] = defaultdict(Totals)
        self.runs: defaultdict[str, Run] = defaultdict(Run)
        self.alone: defaultdict[str, list[float]] = defaultdict(lambda: [0, 0.0])
        self.failed: defaultdict[str, list[float]] = defaultdict(lambda: [0, 0.0])
        self.left: Counter[str] = Counter()
        self.preconditioners: Counter[str] = Counter()
        self.others: Counter[str] = Counter()
        self.journals: list[Journal] = []
        self.states: list[State] = []
        self._worst: list[tuple[float, int, dict[str, Any]]] = []
        self._seen: set[tuple[str, str]] = set()  # (program, class)

    def read(self, journals: Iterable[Journal]) -> None:
        """Add journals.

        Raises
        ------
        UsageError
            If one is something else.
        """
        for journal in journals:
            self.journals.append(journal)
            self.states.append(State(journal.path.stem))
            for line in journal:
                journal.damaged += not self._added(line)
            if journal.state.is_file():
                self.states[-1].file = digest(journal.state.read_bytes())

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
            begin, program, ranks = _number(line["time"]), str(line["program"]), int(line["ranks"])
            run = self.runs[str(line["run"])]
            if not run.begin:  # each file has the head again
                run.begin, run.program, run.ranks = begin, program, ranks
                run.host, run.state = str(line["host"]), str(line["state"])
                run.end = max(run.end, begin)
        elif line["source"] == "state":
            last, moment = self.states[-1], _number(line["time"])
            if moment >= last.time:
                last.id, last.time = str(line["state"]), moment
            self._until(line, moment)
        elif line["source"] == "left":
            self.left[str(line["why"])] += int(line["solves"])
            self._until(line, _number(line["time"]))
        elif "command" in line:
            self.others["runs of whole programs"] += 1
        elif line["kind"] == "nonlinear":
            self.others["nonlinear solves"] += 1
        else:
            raise ValueError(line["kind"])

    def _until(self, line: Mapping[str, Any], moment: float) -> None:
        run = self.runs[str(line["run"])]
        run.end = max(run.end, moment)

    def _solve(self, line: Mapping[str, Any]) -> None:
        taken, expected, own = line["seconds"]["total"], line["own_expected"], line["own_taken"]
        moment = _number(line["time"])
        for x in (taken, expected, own):
            if x is not None:
                _number(x)
        source, why, candidate = line["source"], _text(line["why"]), _text(line["candidate"])
        run, name = self.runs[_text(line["run"])], _text(line["class"])
        who = self._who(line, run)
        for totals in (self.totals, run.totals, self.classes[name], self.sources[who]):
            totals.add(own, expected, taken)
        if candidate and source in ("model", "switched", "second"):
            self.candidates[candidate].add(own, expected, taken)
        if own is not None and expected is not None and not why.startswith(_CHOSEN):
            self.pairs.add(own, expected)
        if line.get("preconditioner") in _PRECONDITIONERS:
            self.preconditioners[line["preconditioner"]] += 1
        run.end = max(run.end, moment)
        self._seen.add((run.program, name))
        if why and source != "switched":  # which is own settings' failure
            reason = (self.alone if source == "refused" else self.failed)[without_numbers(why)]
            reason[0] += 1
            reason[1] += taken
        self._compare(line, taken, expected if own is None else own)

    def _who(self, line: Mapping[str, Any], run: Run) -> str:
        """Name the source of an answer."""
        source: str = line["source"]
        if source != "model":
            return _NAMES.get(source, "other")
        if not line["candidate"]:
            return "model" if line["settings"] else "guess"
        known = run.state or (run.program, line["class"]) in self._seen
        return "learned" if known else "prior"

    def _compare(self, line: Mapping[str, Any], taken: float, own: float | None) -> None:
        if own is None or taken <= own:
            return
        lost = taken - own
        if len(self._worst) < WORST:
            heapq.heappush(self._worst, (lost, self.totals.solves, dict(line)))
        elif lost > self._worst[0][0]:
            heapq.heapreplace(self._worst, (lost, self.totals.solves, dict(line)))

    # ---- what it adds up to ----

    def document(self) -> dict[str, Any]:
        """Return all facts as a JSON object."""
        factor = self.pairs.factor
        runs = sorted(self.runs.items(), key=lambda entry: entry[1].end)
        return {
            "journals": [str(file) for each in self.journals for file in each.files],
            "lines": sum(each.lines for each in self.journals),
            "damaged lines": sum(each.damaged for each in self.journals),
            "saved": self._saved(),
            "programs": self._programs(),
            "states": [vars(each) for each in self.states],
            "runs": [{"run": name, **run.document(factor)} for name, run in runs],
            "classes": self._by(self.classes),
            "sources": self._by(self.sources),
            "candidates": self._by(self.candidates),
            "preconditioners": dict(self.preconditioners.most_common()),
            "worst": self._losses(),
            "left alone": _ranked(self.alone, self.left),
            "failed attempts": _ranked(self.failed, {}),
            "others": dict(self.others),
        }

    def _saved(self) -> dict[str, Any]:
        t, factor, interval = self.totals, self.pairs.factor, self.pairs.interval(self.totals)
        return {
            **t.document(factor),
            "least": None if interval is None else interval[0],
            "most": None if interval is None else interval[1],
            "measured solves": t.measured,
            "measured seconds": t.own,
            "expected solves": t.solves - t.measured - t.unknown,
            "expected seconds": t.expected,
            "compared solves": self.pairs.n,
            "took of expected": self.pairs.factor if self.pairs.enough else None,
            "unknown solves": t.unknown,
            "unknown seconds": t.unknown_taken,
        }

    def _programs(self) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for run in self.runs.values():
            entry = found.setdefault(run.program, {"program": run.program, "runs": 0, "solves": 0})
            entry["runs"] += 1
            entry["solves"] += run.totals.solves
            entry["seconds"] = entry.get("seconds", 0.0) + run.seconds
            saved = run.totals.saved(self.pairs.factor)
            entry["saved seconds"] = entry.get("saved seconds", 0.0) + saved
        return sorted(found.values(), key=lambda entry: -entry["seconds"])

    def _by(self, groups: Mapping[str, Totals]) -> list[dict[str, Any]]:
        factor = self.pairs.factor
        order = sorted(groups.items(), key=lambda entry: -entry[1].own_seconds(factor))
        return [{"name": name, **totals.document(factor)} for name, totals in order]

    def _losses(self) -> list[dict[str, Any]]:
        return [
            {
                "lost seconds": lost,
                "taken seconds": line["seconds"]["total"],
                "own seconds": line["seconds"]["total"] - lost,
                "measured": line["own_taken"] is not None,
                **{
                    key: line.get(key) for key in ("run", "solve", "rows", "class", "source", "why")
                },
            }
            for lost, _, line in sorted(self._worst, key=lambda entry: -entry[0])
        ]


def _ranked(
    reasons: Mapping[str, list[float]], without_line: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Reasons by their numbers of solves, each with what to do."""
    found = [(int(n), seconds, why) for why, (n, seconds) in reasons.items()]
    entries: list[tuple[int, float | None, str]] = [*found]
    entries += [(n, None, why) for why, n in without_line.items()]
    entries.sort(key=lambda entry: -entry[0])
    return [
        {"why": why, "solves": n, "seconds": seconds, "what to do": remedy(why)}
        for n, seconds, why in entries
    ]


def _number(x: Any) -> float:
    if not 0 <= x < MANY:
        raise ValueError(x)
    return float(x)


def _text(x: Any) -> str:
    if not isinstance(x, str):
        raise TypeError(x)
    return x
