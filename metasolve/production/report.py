"""What runs have saved, by the lines of their journals.

Saved is what the program's own settings would have taken, less what was taken. Where they solved in
the end it was measured; elsewhere it was expected, and `Pairs` say how wrong that is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from metasolve.production import drift
from metasolve.production.cells import Key, day, summed
from metasolve.production.reading import Journal
from metasolve.production.remedies import remedy
from metasolve.production.sums import Sums
from metasolve.production.totals import Totals


class Report:
    """A report of journals.

    Attributes
    ----------
    sums : over all of their lines.
    """

    def __init__(self) -> None:
        self.sums = Sums()

    def read(self, journals: Iterable[Journal]) -> None:
        """Add journals.

        Raises
        ------
        UsageError
            If one is something else.
        """
        self.sums.merge(Sums.of_all(list(journals)))

    def document(self) -> dict[str, Any]:
        """Return all facts as a JSON object."""
        sums, factor = self.sums, self.sums.pairs.factor
        for name, totals in summed(sums.cells, lambda key: key.run).items():
            sums.runs[name].totals = totals
        runs = sorted(sums.runs.items(), key=lambda entry: entry[1].end)
        return {
            "journals": [str(file) for each in sums.journals for file in each.files],
            "left out": [each.left_out for each in sums.left_out],
            "lines": sum(each.lines for each in sums.journals),
            "damaged lines": sum(each.damaged for each in sums.journals),
            "saved": self._saved(),
            "canary": self._canary(),
            "advice": self.sums.advised.document(1.0) if self.sums.advised.solves else None,
            "days": self._days(),
            "programs": self._programs(),
            "states": [vars(each) for each in sums.states],
            "runs": [{"run": name, **run.document(factor)} for name, run in runs],
            "classes": self._classes(),
            "sources": self._by(lambda key: key.source),
            "candidates": [each for each in self._by(lambda key: key.candidate) if each["name"]],
            "preconditioners": dict(sums.preconditioners.most_common()),
            "unfamiliar solves": sums.unfamiliar,
            "drift": self._drift(),
            "worst": self._losses(),
            "left alone": _ranked(sums.alone, sums.left),
            "failed attempts": _ranked(sums.failed, {}),
            "others": dict(sums.others),
        }

    def _saved(self) -> dict[str, Any]:
        t, pairs = Totals(), self.sums.pairs
        for cell in self.sums.cells.values():
            t.merge(cell.totals)
        interval = pairs.interval(t)
        return {
            **t.document(pairs.factor),
            "least": None if interval is None else interval[0],
            "most": None if interval is None else interval[1],
            "measured solves": t.measured,
            "measured seconds": t.own,
            "expected solves": t.solves - t.measured - t.unknown,
            "expected seconds": t.expected,
            "compared solves": pairs.n,
            "took of expected": pairs.factor if pairs.enough else None,
            "unknown solves": t.unknown,
            "unknown seconds": t.unknown_taken,
        }

    def _canary(self) -> dict[str, Any] | None:
        """What a sample says that was solved under own settings as well; None where there is none.

        It is of the answers that were not own settings' in runs with ``--canary``. These were drawn
        at random, so what own settings take in terms of what is expected holds for the others.
        """
        found, sampled = self.sums.canaries, self.sums.sampled
        if not found.enough:
            return None
        interval = found.interval(sampled)
        return {
            **sampled.document(found.factor),
            "canaries": found.n,
            "cost seconds": found.took,
            "least": None if interval is None else interval[0],
            "most": None if interval is None else interval[1],
        }

    def _days(self) -> list[dict[str, Any]]:
        """Seconds of each day, and how many solves each source and settings have answered."""
        factor = self.sums.pairs.factor
        days = summed(self.sums.cells, lambda key: day(key.hour))
        choices: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for key, cell in self.sums.cells.items():
            choices[day(key.hour)][key.candidate or key.source] += cell.totals.solves
        return [
            {"day": each, **days[each].document(factor), "answered by": dict(choices[each])}
            for each in sorted(days)
        ]

    def _drift(self) -> dict[str, Any]:
        units = drift.units(self.sums.cells, self.sums.runs)
        hosts = drift.hosts(units)
        return {
            "hosts": [vars(each) for each in hosts],
            "classes": drift.classes(units, hosts),
            "enough": max(map(len, units.values()), default=0) >= drift.FEWEST,
        }

    def _programs(self) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        factor = self.sums.pairs.factor
        for run in self.sums.runs.values():
            nothing = {"runs": 0, "solves": 0, "unknown solves": 0}
            entry = found.setdefault(run.program, {"program": run.program, **nothing})
            entry["runs"] += 1
            entry["solves"] += run.totals.solves
            entry["unknown solves"] += run.totals.unknown
            entry["seconds"] = entry.get("seconds", 0.0) + run.seconds
            saved = run.totals.saved(factor)
            entry["saved seconds"] = entry.get("saved seconds", 0.0) + saved
        return sorted(found.values(), key=lambda entry: -entry["seconds"])

    def _classes(self) -> list[dict[str, Any]]:
        """A class is of its program: others have systems of that size, too."""
        runs, factor = self.sums.runs, self.sums.pairs.factor
        groups = summed(self.sums.cells, lambda key: (runs[key.run].program, key.name))
        order = sorted(groups.items(), key=lambda entry: -entry[1].own_seconds(factor))
        return [
            {"program": program, "name": name, **totals.document(factor)}
            for (program, name), totals in order
        ]

    def _by(self, name: Callable[[Key], str]) -> list[dict[str, Any]]:
        factor, groups = self.sums.pairs.factor, summed(self.sums.cells, name)
        order = sorted(groups.items(), key=lambda entry: -entry[1].own_seconds(factor))
        return [{"name": name, **totals.document(factor)} for name, totals in order]

    def _losses(self) -> list[dict[str, Any]]:
        return [
            {
                "lost seconds": lost,
                "taken seconds": line["seconds"]["total"],
                "own seconds": line["seconds"]["total"] - lost,
                "measured": line["own_taken"] is not None or line.get("canary") is not None,
                **{
                    key: line.get(key) for key in ("run", "solve", "rows", "class", "source", "why")
                },
                "host": self.sums.runs[line["run"]].host,
            }
            for lost, _, _, line in sorted(self.sums.worst, key=lambda entry: -entry[0])
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
