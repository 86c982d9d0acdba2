"""Whether costs have changed: of a class under the same settings, and of a host beside others.

The unit is a class under one kind of settings in one hour of one run: solves of one run are alike
for many reasons, so they are no sample. Seconds are compared as logarithms.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from metasolve.production.cells import Cell, Cells
from metasolve.production.shifts import shift, sign_chance
from metasolve.production.totals import Run

LEAST = math.log(1.25)  #: a smaller change is not told
CHANCE = 0.001  #: how often, of all that is looked at, a change is told where there is none
NEAR = 12  #: units of other hosts, nearest in time, that one is compared with
FEW = 8  #: runs of a host, below which nothing is said of it
FEWEST = 20  #: units of a kind, below which no change is certain enough
MORE = 1.15  #: times, from which on rows or iterations are what has changed
POINTS = 120  #: of a picture
OWN = "own settings"
_CHOSEN = ("prior", "learned", "model")


class Unit(NamedTuple):
    """Solves of one class, under one kind of settings, in one hour of a run.

    Parameters
    ----------
    moment, host, run
        When, where, and in which run.
    seconds, iterations, rows
        Means of logarithms.
    """

    moment: float
    host: str
    run: str
    seconds: float
    iterations: float
    rows: float


class Kind(NamedTuple):
    """What units are compared within.

    Parameters
    ----------
    program, name, settings
        The program, the class, and what is solved with.
    fresh
        Whether operators were new: a set-up is in the seconds, then.
    """

    program: str
    name: str
    settings: str
    fresh: bool


@dataclass
class Slow:
    """A host, beside the others.

    Parameters
    ----------
    host
        Its name.
    hours
        Of the clock, in which there were runs on it that could be compared.
    times
        How many times as long solves take there.
    since
        Moment from which on; None: as long as it is known.
    certain
        Whether this is more than chance.
    """

    host: str
    hours: int
    times: float
    since: float | None = None
    certain: bool = False


def units(cells: Cells, runs: Mapping[str, Run]) -> dict[Kind, list[Unit]]:
    """Units by what they can be compared within, in the order of time."""
    parts: defaultdict[tuple[Kind, str, int], list[tuple[Cell, bool]]] = defaultdict(list)
    for key, cell in cells.items():
        program = runs[key.run].program
        if cell.totals.measured:
            kind = Kind(program, key.name, OWN, key.fresh)
            parts[kind, key.run, key.hour].append((cell, True))
        if key.source in _CHOSEN:
            kind = Kind(program, key.name, key.candidate or "a model's", key.fresh)
            parts[kind, key.run, key.hour].append((cell, False))
    found: defaultdict[Kind, list[Unit]] = defaultdict(list)
    for (kind, run, _), together in parts.items():
        found[kind].append(_unit(run, runs[run].host, together))
    for each in found.values():
        each.sort()
    return dict(found)


def _unit(run: str, host: str, together: Sequence[tuple[Cell, bool]]) -> Unit:
    solves = sum(cell.totals.solves for cell, _ in together)
    timed = sum(cell.totals.measured if own else cell.totals.solves for cell, own in together)
    return Unit(
        min(cell.first for cell, _ in together),
        host,
        run,
        sum(cell.own if own else cell.taken for cell, own in together) / timed,
        sum(cell.iterations for cell, _ in together) / solves,
        sum(cell.rows for cell, _ in together) / solves,
    )


# ---- hosts ----


def hosts(found: Mapping[Kind, Sequence[Unit]]) -> list[Slow]:
    """Return how much longer solves take on each host than on the others, the slowest first."""
    apart: defaultdict[str, defaultdict[tuple[str, int], list[tuple[float, float]]]]
    apart = defaultdict(lambda: defaultdict(list))
    for each in found.values():
        for unit, difference in _compared(each):
            at = unit.run, int(unit.moment // 3600)
            apart[unit.host][at].append((unit.moment, difference))
    told = [_slow(host, each.values(), len(apart)) for host, each in apart.items()]
    return sorted(told, key=lambda each: -each.times)


def _compared(series: Sequence[Unit]) -> Iterable[tuple[Unit, float]]:
    """Each unit, and how far it is from those of other hosts that are nearest in time."""
    of: defaultdict[str, list[Unit]] = defaultdict(list)
    for unit in series:
        of[unit.host].append(unit)
    if len(of) < 2:
        return
    for host, own in of.items():
        others = [unit for unit in series if unit.host != host]
        moments = [unit.moment for unit in others]
        for unit in own:
            at = bisect_left(moments, unit.moment)
            begin = max(0, min(at - NEAR // 2, len(others) - NEAR))
            near = others[begin : begin + NEAR]
            yield unit, unit.seconds - median(each.seconds for each in near)


def _slow(host: str, runs: Iterable[Sequence[tuple[float, float]]], hosts: int) -> Slow:
    """One number for each hour of a run, whatever was solved in it."""
    told = sorted((min(each)[0], median(x for _, x in each)) for each in runs)
    x = [each[1] for each in told]
    whole = Slow(host, _hours(told), math.exp(median(x)), None, _certain(x, hosts))
    change = shift(x)
    if change is None or change.chance * hosts > CHANCE or change.apart < LEAST:
        return whole
    later = x[change.at :]
    moment = told[change.at][0]
    return Slow(
        host, _hours(told[change.at :]), math.exp(median(later)), moment, _certain(later, hosts)
    )


def _hours(told: Iterable[tuple[float, float]]) -> int:
    """Of the clock; several runs may have been in one."""
    return len({moment // 3600 for moment, _ in told})


def _certain(x: Sequence[float], hosts: int) -> bool:
    above = sum(each > 0 for each in x)
    chance = sign_chance(len(x), above) * hosts
    return len(x) >= FEW and median(x) > LEAST and chance < CHANCE * 10


# ---- classes ----


def classes(found: Mapping[Kind, Sequence[Unit]], slow: Iterable[Slow]) -> list[dict[str, Any]]:
    """Return the classes whose cost has changed, the largest change first.

    Parameters
    ----------
    found
        Units.
    slow
        Hosts; what was solved on a slow one is left out.
    """
    bad = {each.host: each.since or 0.0 for each in slow if each.certain}
    told: defaultdict[tuple[str, str, bool], list[Change]] = defaultdict(list)
    for kind, all_ in found.items():
        series = [u for u in all_ if u.host not in bad or u.moment < bad[u.host]]
        change = shift([unit.seconds for unit in series])
        if change is None or change.chance * len(found) > CHANCE or abs(change.apart) < LEAST:
            continue
        told[kind.program, kind.name, change.apart > 0].append(Change(kind, series, change.at))
    documents = [_changed(changes) for changes in told.values()]
    return sorted(documents, key=lambda each: -abs(math.log(each["times"])))


class Change(NamedTuple):
    """A change of what units took.

    Parameters
    ----------
    kind, series
        The units, and what they have in common.
    at
        Place of the first one behind it.
    """

    kind: Kind
    series: Sequence[Unit]
    at: int

    def times(self, what: str) -> float:
        """By how many times a quantity has become larger."""
        x: list[float] = [getattr(unit, what) for unit in self.series]
        return math.exp(median(x[self.at :]) - median(x[: self.at]))


def _changed(changes: Sequence[Change]) -> dict[str, Any]:
    """Tell of a class; its settings have mostly changed together."""
    times, iterations, rows = (
        median(each.times(what) for each in changes) for what in ("seconds", "iterations", "rows")
    )
    longest = max(changes, key=lambda each: len(each.series))
    step = max(1, len(longest.series) // POINTS)
    return {
        "program": longest.kind.program,
        "class": longest.kind.name,
        "settings": sorted({each.kind.settings for each in changes}),
        "times": times,
        "since": median(each.series[each.at].moment for each in changes),
        "iterations times": iterations,
        "rows times": rows,
        "hosts": sorted({u.host for each in changes for u in each.series[each.at :]}),
        "what to do": _advice(times, iterations, rows),
        "course of": longest.kind.settings,
        "course": [[u.moment, math.exp(u.seconds)] for u in longest.series[::step]],
    }


def _advice(times: float, iterations: float, rows: float) -> str:
    if times < 1:
        return "Nothing."
    if rows > MORE:
        return "The systems have grown: look at what has changed in the program's input."
    if iterations > MORE:
        return (
            "Solves take more iterations: the systems have become harder. Look at what has changed "
            "in the program or its input."
        )
    return (
        "Neither rows nor iterations have grown: look at the machines, and at what runs beside it."
    )
