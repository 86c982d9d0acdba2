"""A simulated week of production: journals and states of ten programs, and what is true of them.

Nothing is solved. Times are drawn, but lines have the fields of a real journal, states are files
that the plug-in reads, and it is known what the program's own settings would have taken.
"""

from __future__ import annotations

import json
import math
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metasolve.production import lines
from metasolve.production.reading import SUFFIX, VERSION
from metasolve.production.state import Mean, Offset, Operators, digest, written

BEGIN = 1_795_392_000.0  #: Monday, 23 November 2026, 00:00 UTC
DAY = 86400.0
HOSTS = tuple(f"node{i:02d}" for i in range(1, 9))
BAD_HOST, BAD_SINCE, BAD_TIMES = "node05", BEGIN + 4.2 * DAY, 1.7
DRIFTING, DRIFT_SINCE, DRIFT_TIMES = "beam", BEGIN + 3.4 * DAY, 2.1
UPDATED, UPDATE_SINCE, UPDATE_TIMES = "reactor", BEGIN + 2.0 * DAY, 0.55
SAMPLED, SHARE = "glacier", 0.05  #: whose answers have canaries
PROGRAMS = {  # own seconds, how many times slower than what is chosen, rows
    "beam": (0.8, 2.6, 60_000),
    "reactor": (1.6, 1.7, 250_000),
    "flow": (0.3, 1.9, 30_000),
    "glacier": (2.4, 3.8, 500_000),
    "battery": (0.12, 1.3, 12_000),
    "groundwater": (0.9, 2.2, 120_000),
    "seismic": (0.5, 1.1, 90_000),
    "antenna": (0.25, 0.97, 20_000),
    "weld": (1.1, 1.5, 75_000),
    "turbine": (3.1, 2.9, 800_000),
}
CANDIDATES = ("cg+hypre", "gmres+hypre", "bcgs+ilu1", "cg+gamg")
SETTINGS = {"ksp_type": "cg", "pc_type": "hypre"}
EXPECTED = 1.3  #: what own settings are expected to take, in terms of what they do
RUNS = 44  #: of a program
PRIOR = "0123456789abcdef"


@dataclass
class Week:
    """What is written, and what is true.

    Parameters
    ----------
    chance
        Source of all that is drawn.
    solves
        Of each program.
    own, taken
        Seconds that own settings would have taken, and that were taken, in all.
    """

    chance: random.Random
    solves: int
    own: float = 0.0
    taken: float = 0.0
    runs: int = field(default=0)

    def write(self, folder: Path) -> None:
        """Write the journals and states of all programs into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for program in PROGRAMS:
            with (folder / f"{program}{SUFFIX}").open("w") as file:
                for line in self._program(program, folder):
                    file.write(json.dumps(_rounded(line), separators=(",", ":")) + "\n")
        truth = {"own seconds": self.own, "taken seconds": self.taken, "runs": self.runs}
        (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")

    def _program(self, program: str, folder: Path) -> Iterator[dict[str, Any]]:
        begins = sorted(BEGIN + self.chance.random() * 6.9 * DAY for _ in range(RUNS))
        rows = PROGRAMS[program][2]
        power = 2 ** math.ceil(math.log2(rows))
        classes = [Operators("-", power, 1, 4, 1), Operators("p_", power // 4, 1, 2, 1)]
        state = b""
        for i, begin in enumerate(begins):
            run = Run(self, program, f"{program}-{i:03d}", begin, self.chance.choice(HOSTS))
            yield run.head(digest(state))
            many = self.solves // RUNS + (i < self.solves % RUNS)
            for number in range(1, many + 1):
                yield run.solve(number, classes[number % 4 == 0])
            for each in classes:
                each.attempt, each.risk = Mean(12, 1.0), Mean(12, 0.05)
            before, state = digest(state), written(classes, PRIOR)
            _leave(folder / f"{program}.states" / f"{digest(state)}.state", state, run.clock)
            told = (run.name, run.clock, "state", before, digest(state))
            yield dict(zip(lines.STATE, told, strict=True))
            self.runs += 1
        _leave(folder / f"{program}.state", state, run.clock)


def _rounded(x: Any) -> Any:
    """With the digits that the plug-in writes: microseconds of moments, nanoseconds of times."""
    if isinstance(x, dict):
        return {key: _rounded(value) for key, value in x.items()}
    return round(x, 9 if x < BEGIN else 6) if isinstance(x, float) else x


def _leave(file: Path, state: bytes, moment: float) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(state)
    os.utime(file, (moment, moment))


class Run:
    """One run of a program.

    Parameters
    ----------
    week
        It is part of.
    program, name, begin, host
        As its head says.
    """

    def __init__(self, week: Week, program: str, name: str, begin: float, host: str) -> None:
        self.week, self.program, self.name = week, program, name
        self.begin = self.clock = begin
        self.host = host
        self.account = [0.0, 0.0]
        self.busy = week.chance.lognormvariate(0, 0.05)  # what its solves have in common

    def head(self, state: str) -> dict[str, Any]:
        """Return its first line."""
        share = SHARE if self.program == SAMPLED else 0.0
        told = ("run", VERSION, self.name, self.begin, self.host, self.program, 1, state, "", share)
        return dict(zip(lines.HEAD, (*told, "wall"), strict=True))

    def _drifted(self) -> bool:
        return self.program == DRIFTING and self.clock > DRIFT_SINCE

    def _seconds(self) -> tuple[float, float]:
        """Of own settings, and of the ones that are chosen."""
        draw = self.week.chance.lognormvariate
        own, times, _ = PROGRAMS[self.program]
        own *= self.busy * draw(0, 0.25)
        chosen = own / times * draw(0, 0.2)
        if self._drifted():
            own, chosen = own * DRIFT_TIMES, chosen * DRIFT_TIMES
        if self.program == UPDATED and self.clock > UPDATE_SINCE:
            chosen *= UPDATE_TIMES
        if self.host == BAD_HOST and self.clock > BAD_SINCE:
            own, chosen = own * BAD_TIMES, chosen * BAD_TIMES
        return own, chosen

    def solve(self, number: int, c: Operators) -> dict[str, Any]:
        """Return the line of its next solve, which the class has learned of."""
        chance = self.week.chance
        own, chosen = self._seconds()
        if c.prefix != "-":
            own, chosen = own / 4, chosen / 4
        source, why, seconds = "model", "", chosen
        lot = chance.random()
        if lot < 0.07:
            source, why, seconds = (
                "refused",
                "the program's own settings are measured now and then",
                own,
            )
        elif lot < 0.08:
            source, why, seconds = "fallback", "time budget of 0.8 s used up", own + chosen
        elif lot < 0.10:
            source, why, seconds = (
                "refused",
                "paused after attempts that failed or took too long",
                own,
            )
        measured = source != "model"
        expected = own * EXPECTED * chance.lognormvariate(0, 0.3)
        self.clock += seconds * 1.2
        self.account[0] += own if measured else expected
        self.account[1] += seconds
        self.week.own, self.week.taken = self.week.own + own, self.week.taken + seconds
        candidate = self._candidate(c)
        _learn(c, candidate, own, seconds, number)
        told = (
            *(self.name, self.clock, number, "" if c.prefix == "-" else c.prefix),
            *(int(c.rows * chance.uniform(0.6, 0.9)), 1, source, why, c.name),
            *(
                {} if measured else SETTINGS,
                candidate,
                chosen,
                "",
                "" if measured else "built",
                None,
            ),
            *(None, number % 3 == 1, 2, int((40 if measured else 12) * (1 + self._drifted()))),
            *(None if measured else 6e-6, 1e-5, "preconditioned", "norm", "zero", None, expected),
            *(
                own if measured else None,
                None if measured else self._canary(own),
                _times(source, own, chosen, seconds),
            ),
            {"own": self.account[0], "taken": self.account[1]},
            {
                "account": [own if measured else expected, seconds],
                "seen": {candidate: [0.1, 0.5, [chance.randrange(-900, 900) for _ in range(23)]]},
            },
        )
        return dict(zip(lines.SOLVE, told, strict=True))

    def _canary(self, own: float) -> float | None:
        drawn = self.program == SAMPLED and self.week.chance.random() < SHARE
        return own if drawn else None

    def _candidate(self, c: Operators) -> str:
        late = self.program == UPDATED and self.clock > UPDATE_SINCE
        return CANDIDATES[1 if late else 2 if c.prefix != "-" else 0]


def _learn(c: Operators, candidate: str, own: float, seconds: float, number: int) -> None:
    c.solves, c.operators = c.solves + 1, c.operators + (number % 3 == 1)
    c.own, c.taken = c.own + own, c.taken + seconds
    offset = c.offsets.setdefault(candidate, Offset(0, 0.1, 0.01))
    offset.seen += 1


def _times(source: str, own: float, chosen: float, seconds: float) -> dict[str, float]:
    tried = source != "refused"
    told = dict.fromkeys(lines.SECONDS, 0.0)
    told["decision"] = 2e-5
    if tried:
        told["setup"], told["solve"] = 0.3 * chosen, 0.7 * chosen
    if source != "model":
        told["fallback" if tried else "solve"] = own
    told["total"] = seconds
    return told
