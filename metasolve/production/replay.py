"""The state, made again from the journal: the same lines give the same file, bit for bit.

Each solve's line says what was `learned`; a run adds this to the state when it saves it, which has
a line as well. `class.c` and `posterior.c` of the plug-in do the same sums in the same order.
Journals of runs that went on at once stand one behind the other, so the moment of such a line
decides. It is written before the state takes its place: who is killed in between has said what did
not come about, and the next line begins with the state before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from metasolve.production import numbers
from metasolve.production.state import (
    KEPT,
    MOST_CLASSES,
    OWN,
    PARTS,
    Mean,
    Offset,
    Operators,
    digest,
    parse,
    written,
)
from metasolve.production.words import StateError

Line = Mapping[str, Any]
_MEMORY, _PRIOR, _COLD = 12, 0.1, 2.0  # class.c
_SHARE, _NOISE, _SURPRISE, _LASTS = 0.4, 0.25, 3.0, 0.25  # posterior.c
_FORGET, _DRIFT, _DOUBT = 1e-3, 1e-4, 0.1


def candidates(prior: Path) -> tuple[list[str], str]:
    """Return the names of a prior's candidates, in its order, and the mark that states have of it.

    Parameters
    ----------
    prior
        Directory of the prior.
    """
    data = (prior / "prior.bin").read_bytes()
    head = data.partition(b"\ntrees ")[0]
    lines = [line.split() for line in head.splitlines()]
    return [words[1].decode() for words in lines if words[0] == b"candidate"], digest(data)


def replay(lines: Iterable[Mapping[str, Any]], names: Sequence[str], mark: str) -> bytes:
    """Return the file of the state that the runs in a journal have left.

    Parameters
    ----------
    lines
        Of the journal, as `metasolve.production.journal.read` yields them; of one program.
    names, mark
        Of the prior, see `candidates`.

    Raises
    ------
    StateError
        If something that is not in the journal has changed the state.
    """
    made = _Replay(names, mark)
    for line, lessons in _changes(lines):
        made.begin(line)
        if line["source"] == "rollback":
            made.go_back(line)
        else:
            made.add(line, lessons)
    return made.data


def _changes(lines: Iterable[Line]) -> list[tuple[Line, list[Line]]]:
    """Lines that tell of a state, in the order of time, with what its run had learned since."""
    unsaved: dict[str, list[Line]] = {}
    found = list[tuple[Line, list[Line]]]()
    for line in lines:
        if "learned" in line:
            unsaved.setdefault(line["run"], []).append(line)
        elif line.get("source") in ("state", "rollback"):
            found.append((line, unsaved.pop(line.get("run", ""), [])))
    return sorted(found, key=lambda each: float(each[0]["time"]))


class _Replay:
    """The state as it was after each line.

    Attributes
    ----------
    data, before : file of the state, and what it was before the last line.
    left : files by their ids.
    last : the last line, and the lessons that it added.
    undone : lessons of a run that a line tells of which did not come about.
    """

    def __init__(self, names: Sequence[str], mark: str) -> None:
        self.names, self.mark = names, mark
        self.data = self.before = b""
        self.left: dict[str, bytes] = {}
        self.last: tuple[Line, list[Line]] = ({}, [])
        self.undone: dict[str, list[Line]] = {}

    def begin(self, line: Line) -> None:
        """Go to what the line was added to."""
        if line["before"] != digest(self.data):
            if line["before"] == digest(self.before):
                told, lessons = self.last
                self.undone[told.get("run", "")] = lessons
                self.data = self.before
            elif line["before"]:
                raise StateError(
                    f"the state {line['before']} was not left by what is before this line"
                )
            else:
                self.data = b""  # it was forgotten
        self.before = self.data

    def go_back(self, line: Line) -> None:
        """Bring an earlier state back."""
        if line["state"] not in self.left:
            raise StateError(f"the state {line['state']} was not left by what is before this line")
        self._leave(line, [], self.left[line["state"]])

    def add(self, line: Line, lessons: list[Line]) -> None:
        """Add lessons; those that did not come about may be among them, or are forgotten."""
        undone = self.undone.pop(line["run"], [])
        for these in ([*undone, *lessons], lessons):
            data = self._added(these)
            if digest(data) == line["state"]:
                self._leave(line, these, data)
                return
        raise StateError(f"the journal leads to the state {digest(data)}, not {line['state']}")

    def _added(self, lessons: Iterable[Line]) -> bytes:
        classes = parse(self.data) if self.data else []
        for lesson in lessons:
            learn(classes, lesson, self.names)
        return written(classes, self.mark)

    def _leave(self, line: Line, lessons: list[Line], data: bytes) -> None:
        self.data = self.left[line["state"]] = data
        self.last = line, lessons


def learn(classes: list[Operators], line: Mapping[str, Any], names: Sequence[str]) -> None:
    """Add what a line says was learned to its class, which is made if there is none."""
    c = next((each for each in classes if each.name == line["class"]), None)
    if c is None:
        if len(classes) >= MOST_CLASSES:
            return
        c = _begin(line["class"], classes)
        classes.append(c)
    learned = line["learned"]
    c.solves += 1
    c.operators += line["new_operator"]
    own, taken = learned.get("account", (0.0, 0.0))
    c.own, c.taken = c.own + own, c.taken + taken
    setup, solve = learned.get("own", (0.0, 0.0))
    if solve > 0:
        _add_time(c.own_solve, solve)
    if setup > 0:
        _add_time(c.own_setup, setup)
    if "attempt" in learned:
        _add(c.risk, 0.0 if learned["attempt"] else 1.0)
        for seconds in learned["attempt"]:
            _add_time(c.attempt, seconds)
    if "attains" in learned:
        _attain(c.attained, learned["attains"])
    for name, (apart, spread, parts) in learned["seen"].items():
        _see(c, name, apart, spread, [x / 1000.0 for x in parts])
    _move(c, learned.get("numbers"))
    order = [*names, OWN, KEPT]
    if not c.offsets.keys() <= set(order):
        raise StateError(f"the prior has no candidate {(c.offsets.keys() - set(order)).pop()!r}")
    c.offsets = dict(sorted(c.offsets.items(), key=lambda entry: order.index(entry[0])))


def _move(c: Operators, entry: Mapping[str, Any] | None) -> None:
    if entry is None:
        return
    before = numbers.told(entry)
    if before.step < c.numbers.step:
        return  # of runs that ended at once, the one with more findings has the numbers
    c.numbers = before
    numbers.learn(before, c.name, *entry["found"])


def _add_time(m: Mean, x: float) -> None:
    if m.n == 1 and x < m.mean / _COLD:
        m.n, m.mean = 0, 0.0
    _add(m, x)


def _add(m: Mean, x: float) -> None:
    m.n = min(m.n + 1, _MEMORY)
    m.mean += (x - m.mean) / m.n


def _attain(attained: list[float], seen: Sequence[float | None]) -> None:
    attained[0] = min(attained[0] + 1, _MEMORY)
    for i, x in enumerate(seen, 1):
        if x is not None:
            attained[i] += (x - attained[i]) / attained[0]


def _begin(name: str, classes: Sequence[Operators]) -> Operators:
    """A class begins with what is known of the nearest."""
    prefix, rows, block, density, ranks = name.split()
    new = Operators(prefix, int(rows), int(block), int(density), int(ranks))
    new.risk = Mean(1, _PRIOR)
    alike = (new.prefix, new.block, new.ranks)
    others = [each for each in classes if (each.prefix, each.block, each.ranks) == alike]
    if others:
        near = min(others, key=lambda c: _apart(c, new))
        new.attained = [min(near.attained[0], 1.0), *near.attained[1:]]
        new.risk = Mean(min(near.risk.n, 1), near.risk.mean)
        new.weights, new.offsets = list(near.weights), deepcopy(near.offsets)
        new.numbers = deepcopy(near.numbers)
        new.known = [[(1 - _DOUBT) * x for x in row] for row in near.known]
        for offset in new.offsets.values():
            offset.variance += _NOISE * _NOISE
    return new


def _apart(a: Operators, b: Operators) -> float:
    return abs(math.log(a.rows / b.rows)) + abs(a.density - b.density)


def _see(c: Operators, name: str, apart: float, spread: float, x: Sequence[float]) -> None:
    """Weights of the parts and an offset; added one by one, as C does."""
    offset = c.offsets.setdefault(name, Offset(0, 0.0, spread * spread))
    r, own = apart - offset.mean, offset.variance
    for g in range(PARTS):
        r -= c.weights[g] * x[g]
    variance, y = _times(c.known, x)
    seen = max(variance, 0.0) + own + _NOISE * _NOISE
    surprise = r / _SURPRISE
    surprise *= surprise
    if surprise > seen:
        own, seen = own + _LASTS * (surprise - seen), surprise
    for g in range(PARTS):
        c.weights[g] += y[g] * r / seen
        for h in range(PARTS):
            c.known[g][h] = (1 - _FORGET) * (c.known[g][h] + y[g] * y[h] / seen)
    offset.mean += own * r / seen
    offset.variance = own - own * own / seen + _DRIFT
    offset.seen += 1


def _times(known: Sequence[Sequence[float]], x: Sequence[float]) -> tuple[float, list[float]]:
    y = [_SHARE * each for each in x]
    total = 0.0
    for g in range(PARTS):
        for h in range(PARTS):
            y[g] -= known[g][h] * x[h]
        total += x[g] * y[g]
    return total, y
