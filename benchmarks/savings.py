"""Whether `metasolve report` states what was saved: beside pairs of runs, alone and under it.

The program is run alone and with canaries, in turns, each time with nothing learned. Measured is
what its solves took alone, less what they took under metasolve; stated is what the report says of
the same runs under metasolve.
"""

from __future__ import annotations

import math
import shlex
import shutil
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.first_run import Run, alone, under
from metasolve.production import site
from metasolve.production.reading import Journal
from metasolve.production.report import Report
from metasolve.report.result import Result, Section

NEAR = 0.1  #: share of what own settings take, by which what is stated may be wrong


@dataclass(frozen=True)
class Savings:
    """Pairs of runs, and what was stated of those under metasolve.

    Parameters
    ----------
    command
        The program's.
    pairs
        Of runs: alone, and under metasolve.
    document
        Of the report, as ``--json`` has it.
    """

    command: Sequence[str]
    pairs: Sequence[tuple[Run, Run]]
    document: Mapping[str, Any]

    @property
    def own(self) -> float:
        """Seconds of all solves, alone."""
        return sum(each.solves for each, _ in self.pairs)

    @property
    def saved(self) -> float:
        """Seconds that were saved, as measured."""
        return self.own - sum(each.solves for _, each in self.pairs)

    @property
    def doubt(self) -> float:
        """Standard error of it; two pairs are needed."""
        each = [a.solves - b.solves for a, b in self.pairs]
        return statistics.stdev(each) * math.sqrt(len(each))

    @property
    def result(self) -> Result:
        """The table."""
        settings = {"command": shlex.join(self.command), "rounds": len(self.pairs)}
        rows = [{"": "measured in pairs", "own s": f"{self.own:.3g}", "saved s": self._measured()}]
        rows += [self._row(name, found) for name, found in self._stated() if found]
        title = f"{settings['command']}: {len(self.pairs)} pairs of runs"
        return Result("savings", settings, [Section(title, rows)])

    def _measured(self) -> str:
        return f"{self.saved:.3g}" + (f" ± {self.doubt:.2g}" if len(self.pairs) > 1 else "")

    def _stated(self) -> list[tuple[str, Mapping[str, Any] | None]]:
        canary = self.document["canary"]
        return [("as report states", self.document["saved"]), ("as its canaries state", canary)]

    def _row(self, name: str, found: Mapping[str, Any]) -> dict[str, str]:
        """Canaries are of the solves with chosen settings, in which all is saved that is."""
        saved, least, most = (found[key] for key in ("saved seconds", "least", "most"))
        apart = (saved - self.saved) / self.own
        covers = "-" if least is None else "yes" if least <= self.saved <= most else "no"
        return {
            "": name,
            "own s": f"{found['own seconds']:.3g}",
            "saved s": f"{saved:.3g}",
            "from": "-" if least is None else f"{least:.3g}",
            "to": "-" if most is None else f"{most:.3g}",
            "apart, of own": f"{100 * apart:+.1f} %",
            "within 10 %": "yes" if abs(apart) <= NEAR else "no",
            "covers": covers,
        }


def measure(command: Sequence[str], out: Path, rounds: int, canary: float) -> Savings:
    """Run a program in turns alone and under metasolve.

    Parameters
    ----------
    command
        That starts the program.
    out
        Folder of states and journals, one of each for each round; emptied first.
    rounds
        Pairs of runs.
    canary
        Share of the solves that own settings solve as well.

    Raises
    ------
    MetasolveError
        If a run fails, or no solve of it is seen.
    """
    from metasolve.petsc import compiled

    compiled.build()  # once for each PETSc, and no part of a run
    pairs, journals = [], []
    for i in range(rounds):
        state = out / f"round{i + 1}"
        shutil.rmtree(state, ignore_errors=True)
        pairs.append((alone(command), under(command, state, "--canary", f"{canary:g}")))
        journals.append(Journal(site.journal_of(site.file_of(command, state))))
    made = Report()
    made.read(journals)
    return Savings(command, pairs, made.document())
