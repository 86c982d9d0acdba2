"""A program that nothing was learned of: run alone, and twice under `metasolve run`.

What it takes is the wall time from launch to end, and the time inside its solves: of the program
alone by PETSc's own log, under metasolve by the journal, metasolve's own work included.
"""

from __future__ import annotations

import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.coverage import nested_log
from metasolve.errors import MetasolveError
from metasolve.production import journal, site
from metasolve.report.result import Result, Section, panels, save

NAMES = ("alone", "first run", "second run")
CHOSEN = ("model", "second", "switched")
_COLOURS = ("#4477aa", "#ee6677", "#228833")


@dataclass(frozen=True)
class Run:
    """One run of the program.

    Parameters
    ----------
    wall, solves
        Seconds from launch to end; seconds of its linear solves.
    moments
        Seconds from the launch to each line that it printed.
    lines
        Of the journal, one a solve; none of the program alone.
    processor
        Seconds of the processor, of all its processes.
    """

    wall: float
    solves: float
    moments: Sequence[float]
    lines: Sequence[Mapping[str, Any]] = ()
    processor: float = float("nan")

    def count(self, *sources: str) -> int:
        """Solves with these sources."""
        return sum(line["source"] in sources for line in self.lines)

    def used(self) -> Counter[str]:
        """How often each candidate answered."""
        return Counter(line["candidate"] for line in self.lines if line["source"] in CHOSEN)


@dataclass(frozen=True)
class FirstRuns:
    """The runs of all rounds; each round begins with nothing learned.

    Parameters
    ----------
    command
        The program's.
    rounds
        Of each: alone, the first run, the second.
    """

    command: Sequence[str]
    rounds: Sequence[Sequence[Run]]

    def median(self, which: int, key: str) -> float:
        """Median over the rounds of ``wall`` or ``solves`` of a run."""
        return float(statistics.median(getattr(each[which], key) for each in self.rounds))

    @property
    def result(self) -> Result:
        """The table; where something was counted it is of the last round."""
        settings = {"command": shlex.join(self.command), "rounds": len(self.rounds)}
        many = f"medians of {len(self.rounds)} rounds, " if len(self.rounds) > 1 else ""
        title = f"{settings['command']}: {many}nothing was trained"
        return Result("first run", settings, [Section(title, [*self._times(), *self._counts()])])

    def document(self) -> dict[str, Any]:
        """The table, and the seconds of every run."""
        seconds = {
            name: [{"wall": each[i].wall, "solves": each[i].solves} for each in self.rounds]
            for i, name in enumerate(NAMES)
        }
        return {**self.result.document(), "seconds": seconds}

    def _times(self) -> list[dict[str, str]]:
        rows = []
        for title, key in (("whole program", "wall"), ("in its solves", "solves")):
            of = [self.median(i, key) for i in range(len(NAMES))]
            rows.append(_row(f"{title}, seconds", (f"{x:.2f}" for x in of)))
            rows.append(_row("  times faster", ("", *(f"{of[0] / x:.2f}" for x in of[1:]))))
        return rows

    def _counts(self) -> list[dict[str, str]]:
        last = self.rounds[-1]
        known = ["", *(f"{n} solves, {c} classes" for n, c in _known(last))]
        used = [", ".join(f"{k} {n}" for k, n in run.used().most_common(3)) for run in last]
        answers = {
            "answered by chosen settings": CHOSEN,
            "answered after one had failed": ("fallback",),
            "left to its own settings": ("refused",),
        }
        return [
            *(
                _row(title, ("", *(f"{r.count(*of)} of {len(r.lines)} solves" for r in last[1:])))
                for title, of in answers.items()
            ),
            _row("learned before it", known),
            _row("settings most used", ("its own", *used[1:])),
        ]

    def plot(self, path: Path) -> None:
        """Draw what the runs took, and how far they were after so many seconds."""
        figure, (left, right) = panels(2, 2)
        for i, name in enumerate(NAMES):
            wall, solves = self.median(i, "wall"), self.median(i, "solves")
            left.bar(name, solves, color=_COLOURS[i])
            left.bar(name, wall - solves, bottom=solves, color=_COLOURS[i], alpha=0.35)
            left.annotate(f"{wall:.1f} s", (i, wall), ha="center", va="bottom")
            moments = self.rounds[-1][i].moments
            right.plot(moments, range(1, len(moments) + 1), color=_COLOURS[i], label=name)
        left.set(ylabel="seconds", title="Whole program (light: outside its solves)")
        right.set(xlabel="seconds since launch", ylabel="lines printed, one a solve")
        right.set_title("How far the program is")
        right.legend()
        save(figure, path)


def measure(command: Sequence[str], out: Path, rounds: int = 1) -> FirstRuns:
    """Run a program alone and twice under metasolve, and again so many times.

    Parameters
    ----------
    command
        That starts the program.
    out
        Folder; what is learned is kept in ``state`` in it, which is emptied first.

    Raises
    ------
    MetasolveError
        If a run fails, or no solve of it is seen.
    """
    from metasolve.petsc import compiled

    compiled.build()  # once for each PETSc, and no part of a run
    state = out / "state"
    found = []
    for _ in range(rounds):
        shutil.rmtree(state, ignore_errors=True)
        runs = [alone(command), under(command, state), under(command, state)]
        found.append(runs)
    return FirstRuns(command, found)


def alone(command: Sequence[str]) -> Run:
    """Run a program as it is.

    Raises
    ------
    MetasolveError
        If it fails.
    """
    return _run(command, command)


def under(command: Sequence[str], state: Path, *options: str) -> Run:
    """Run a program under `metasolve run`, what is learned being kept in a folder.

    Raises
    ------
    MetasolveError
        If the run fails, or no solve of it is seen.
    """
    kept = site.journal_of(site.file_of(command, state))
    mark = journal.Mark.of(kept)
    words = ["run", "--state", str(state), *options, "--", *command]
    run = _run([sys.executable, "-m", "metasolve", *words], ["metasolve", *words])
    lines = [line for line in journal.read(kept, mark.size) if "solve" in line]
    if not lines:
        raise MetasolveError(f"{command[0]}: no solve was seen; metasolve doctor says why")
    return replace(run, solves=sum(line["seconds"]["total"] for line in lines), lines=lines)


def _run(command: Sequence[str], shown: Sequence[str]) -> Run:
    """Run to the end, with PETSc's log of times; `shown` is printed."""
    sys.stderr.write(f"$ {shlex.join(shown)}\n")
    with tempfile.TemporaryDirectory(prefix="metasolve-") as folder:
        log = Path(folder) / "log.xml"
        options = f"{os.environ.get('PETSC_OPTIONS', '')} {nested_log.option(log)}"
        environment = {**os.environ, "PETSC_OPTIONS": options}
        begin, before = time.perf_counter(), _computed()
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
            moments = [time.perf_counter() - begin for _ in process.stdout or ()]
        wall = time.perf_counter() - begin
        if process.returncode:
            raise MetasolveError(f"{shlex.join(shown)}: exit code {process.returncode}")
        solves = nested_log.solver_seconds(log) or 0.0
        return Run(wall, solves, moments, processor=_computed() - before)


def _computed() -> float:
    """Seconds of the processor, of all processes that were started from here and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _known(runs: Sequence[Run]) -> list[tuple[int, int]]:
    """Solves and their classes that were known when each run under metasolve began."""
    lines: list[Mapping[str, Any]] = []
    known = []
    for run in runs[1:]:
        known.append((len(lines), len({line["class"] for line in lines})))
        lines += run.lines
    return known


def _row(title: str, cells: Any) -> dict[str, str]:
    return {"": title, **dict(zip(NAMES, cells, strict=True))}
