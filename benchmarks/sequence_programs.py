"""Unmodified programs of many solves: own settings, built for each operator, kept, started.

"Started" is kept, and solves start from earlier solutions; the other ways do not.

Every way begins with nothing learned of the program. What it takes is the wall time of the whole
program, launch included, and the time inside its solves, metasolve's own work included.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.first_run import CHOSEN, Run, alone, under
from metasolve.petsc import compiled
from metasolve.report.result import Result, Section

Array = NDArray[np.float64]
ROOT = Path(__file__).parents[1]
WAYS = ("own settings", "built for each operator", "kept", "started")
_OPTIONS = {
    "built for each operator": ("--reuse", "off", "--earlier", "off"),
    "kept": ("--earlier", "off"),
    "started": (),
}
_TUTORIALS = ROOT / "solvers/tutorials"


@dataclass(frozen=True)
class Program:
    """One program and its command line.

    Parameters
    ----------
    name
        In the table.
    command
        The words; the program is built by ``make`` in its folder.
    answer
        Option that writes the solution to a binary file, without the file; empty: there is none.
    """

    name: str
    command: Sequence[str]
    answer: str = ""

    def words(self, file: Path) -> list[str]:
        """The command line, the answer written to `file`."""
        more = [self.answer, f"binary:{file}"] if self.answer else []
        return [*self.command, *more]


def _tutorial(name: str, title: str, options: str, kind: str) -> Program:
    return Program(title, (str(_TUTORIALS / name), *options.split()), f"-{kind}_view_solution")


_HEAT = "-da_grid_x 250 -da_grid_y 250 -ts_type beuler -ts_max_steps 60"
_LID = "-da_grid_x 100 -da_grid_y 100 -lidvelocity 20 -grashof 5000"
_DISC = "-n 200 -steps 60 -quiet -pc_type gamg"
_ICE = "-M 30 -P 8 -thi_mat_type aij"
PROGRAMS = (
    _tutorial("ex13", "heat, TS ex13, default", _HEAT, "ts"),
    _tutorial("ex13", "heat, TS ex13, GAMG", f"{_HEAT} -pc_type gamg", "ts"),
    _tutorial("ex13", "heat, TS ex13, LU", f"{_HEAT} -ksp_type preonly -pc_type lu", "ts"),
    *(
        Program(f"{name} disc, Fortran, GAMG", (str(ROOT / "solvers/heat/heat"), *words.split()))
        for name, words in (
            ("moving", _DISC),
            ("resting", f"{_DISC} -constant_coefficients"),
            ("resting, with a guess:", f"{_DISC} -constant_coefficients -previous_guess"),
        )
    ),
    _tutorial("ex19", "cavity, SNES ex19, LU", f"{_LID} -pc_type lu", "snes"),
    _tutorial("ex48", "ice, SNES ex48, default", _ICE, "snes"),
    _tutorial("ex48", "ice, SNES ex48, LU", f"{_ICE} -pc_type lu", "snes"),
)


@dataclass(frozen=True)
class Measured:
    """A program, run in all ways, round by round.

    Parameters
    ----------
    program
        What was run.
    runs
        Of each way, one a round.
    apart
        Of each way, how far its answer is from that of the program alone, relative in the 2-norm;
        NaN where nothing tells.
    """

    program: Program
    runs: Mapping[str, Sequence[Run]]
    apart: Mapping[str, float]

    def median(self, way: str, key: str) -> float:
        """Of ``wall``, ``solves`` or ``processor``, in seconds."""
        return float(statistics.median(getattr(run, key) for run in self.runs[way]))

    def words(self, way: str) -> Counter[str]:
        """What became of the preconditioner, in the last round; own settings: `own`."""
        lines = self.runs[way][-1].lines
        return Counter(
            line["preconditioner"] or "again" if line["source"] in CHOSEN else "own"
            for line in lines
        )

    def iterations(self, way: str) -> float:
        """Of a solve that metasolve's settings have answered, in the last round."""
        lines = [line for line in self.runs[way][-1].lines if line["source"] in CHOSEN]
        return float(np.mean([line["iterations"] for line in lines])) if lines else float("nan")

    def row(self) -> dict[str, Any]:
        """Of the table."""
        own, built, kept, started = WAYS
        wall = {way: self.median(way, "wall") for way in WAYS}
        solves = {way: self.median(way, "solves") for way in WAYS}
        return {
            "program": self.program.name,
            "solves": len(self.runs[kept][-1].lines),
            "own, s": wall[own],
            "own solves, s": solves[own],
            "built: whole": wall[own] / wall[built],
            "built: solves": solves[own] / solves[built],
            "kept: whole": wall[own] / wall[kept],
            "kept: solves": solves[own] / solves[kept],
            "kept over built": wall[built] / wall[kept],
            "started: whole": wall[own] / wall[started],
            "started: solves": solves[own] / solves[started],
            "started over kept": self.median(kept, "processor") / self.median(started, "processor"),
            "iterations": f"{self.iterations(kept):.1f} to {self.iterations(started):.1f}",
            "started": sum(line["start"] == "earlier" for line in self.runs[started][-1].lines),
            "preconditioners": ", ".join(f"{n} {word}" for word, n in self.words(kept).items()),
            "answers apart": max(self.apart.values()),
        }


def measure(
    programs: Sequence[Program], rounds: int, progress: Callable[[str], None]
) -> list[Measured]:
    """Run programs in all ways, in turn, and again so many times.

    Raises
    ------
    MetasolveError
        If a run fails, or no solve of it is seen.
    """
    compiled.build()  # once for each PETSc, and no part of a run
    found = []
    for program in programs:
        progress(program.name)
        with tempfile.TemporaryDirectory(prefix="metasolve-") as folder:
            found.append(_measure(program, rounds, Path(folder)))
    return found


def _measure(program: Program, rounds: int, folder: Path) -> Measured:
    runs: dict[str, list[Run]] = {way: [] for way in WAYS}
    files = {way: folder / f"{number}.bin" for number, way in enumerate(WAYS)}
    for _ in range(rounds):
        for way in WAYS:
            words, state = program.words(files[way]), folder / "state"
            shutil.rmtree(state, ignore_errors=True)
            options = _OPTIONS.get(way)
            runs[way].append(alone(words) if options is None else under(words, state, *options))
    own = _answer(files[WAYS[0]])
    apart = {way: _apart(_answer(files[way]), own) for way in WAYS[1:]}
    return Measured(program, runs, apart)


def _answer(file: Path) -> Array | None:
    """The last vector of a binary file of PETSc's: two numbers, then big-endian doubles."""
    if not file.is_file():
        return None
    data, found, at = file.read_bytes(), None, 0
    while at + 8 <= len(data):
        size = int(np.frombuffer(data, ">i4", 1, at + 4)[0])
        found = np.frombuffer(data, ">f8", size, at + 8)
        at += 8 + 8 * size
    return found


def _apart(mine: Array | None, own: Array | None) -> float:
    if mine is None or own is None:
        return float("nan")
    return float(np.linalg.norm(mine - own) / np.linalg.norm(own))


def result(found: Sequence[Measured], rounds: int) -> Result:
    """The table."""
    title = f"programs of many solves: medians of {rounds} rounds, times faster than own"
    rows = [each.row() for each in found]
    return Result("sequence programs", {"rounds": rounds}, [Section(title, rows)])
