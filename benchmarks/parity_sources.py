"""Where systems for the parity of answers come from: families, programs, real codes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.coverage.catalogue import ENTRIES
from benchmarks.coverage.entry import Entry
from benchmarks.coverage.packages import missing
from benchmarks.coverage.running import METASOLVE, run
from benchmarks.coverage.sources import make
from metasolve.errors import UsageError
from metasolve.family import Family
from metasolve.family.family import is_family
from metasolve.program.case import Case
from metasolve.program.case_file import read_case
from metasolve.program.instances import instances
from metasolve.program.start import Start, start

_RUNS = 4
"""Of a program with one seed; each solves several systems."""

_SOLVERS = Path(__file__).parents[1] / "solvers"
_GRID = "-da_grid_x 100 -da_grid_y 100"
_IN_ORDER = {
    "heat, TS ex13": f"tutorials/ex13 {_GRID} -ts_type beuler -ts_max_steps 60",
    "moving disc": "heat/heat -n 120 -steps 60 -quiet",
    "moving disc, small steps": "heat/heat -n 120 -steps 60 -quiet -dt 1e-5 -growth 1",
    "resting disc": "heat/heat -n 120 -steps 60 -quiet -constant_coefficients",
    "cavity, SNES ex19": f"tutorials/ex19 {_GRID} -lidvelocity 20 -grashof 5000",
    "bratu, SNES ex5": f"tutorials/ex5 {_GRID} -par 6.5",
}


@dataclass(frozen=True)
class Source:
    """What can be recorded.

    Attributes
    ----------
    name : as the table says it.
    record : records the systems of a seed into a directory.
    drawn : whether they depend on the seed.
    """

    name: str
    record: Callable[[int, Path], None]
    drawn: bool = True

    @property
    def file(self) -> str:
        """A name for files."""
        return re.sub(r"[^\w.-]+", "-", self.name)


def recorded(path: Path) -> Source:
    """Systems that were recorded before."""
    return Source(path.name, lambda _, out: out.symlink_to(path.absolute()), drawn=False)


def cases(folder: Path, count: int) -> list[Source]:
    """The families and programs of a folder, or of one case; `count` systems of a family a seed.

    Raises
    ------
    UsageError
        If there is none.
    """
    found = [folder] if folder.is_file() else sorted(folder.rglob("case.toml"))
    if not found:
        raise UsageError(f"{folder}: neither a recording nor a case.toml is there")
    return [source for path in found for source in _of_case(path, count)]


def in_order(tolerances: Sequence[float]) -> list[Source]:
    """Programs that solve one system after the other: time steps, and Newton's method."""
    return [
        Source(
            f"{name}, rtol {rtol:.0e}",
            partial(lambda words, _, out: record_words(words, out), f"{words} -ksp_rtol {rtol!r}"),
            drawn=False,
        )
        for name, words in _IN_ORDER.items()
        for rtol in tolerances
    ]


def real_codes() -> list[Source]:
    """The programs of the coverage whose packages are installed, each in its configuration.

    Not those of another PETSc than ours, with complex numbers: they cannot be solved again here.
    """
    usable = [each for each in ENTRIES if "PETSC_DIR" not in dict(each.environment)]
    usable = [each for each in usable if not missing(each.packages)]
    usable = [each for each in usable if all(map(shutil.which, each.needs))]
    return [
        Source(f"{each.program}: {each.configuration}", partial(_record_entry, each), drawn=False)
        for each in usable
    ]


def _of_case(path: Path, count: int) -> list[Source]:
    if not is_family(path):
        case = read_case(path)
        return [Source(case.name, partial(_record_case, case))]
    family = Family.from_toml(path)
    return [
        Source(f"{family.name}, rtol {rtol:.0e}", partial(_record_family, path, rtol, count))
        for rtol in family.tolerances
    ]


def _record_family(path: Path, rtol: float, count: int, seed: int, out: Path) -> None:
    drawn = ["--seed", str(seed), "--count", str(count), "--rtol", repr(rtol)]
    _record([sys.executable, "-m", "metasolve.family", str(path), *drawn], out)


def _record_case(case: Case, seed: int, out: Path) -> None:
    if case.build:
        subprocess.run(case.build, cwd=case.directory, check=True, stdout=subprocess.DEVNULL)
    for instance in instances(case, _RUNS, seed):
        begin = start(case, instance.payload, {})
        with TemporaryDirectory() as folder:
            _place(begin, Path(folder))
            _record(begin.words, out, Path(folder), begin.environment)


def _place(begin: Start, folder: Path) -> None:
    for name, text in begin.files.items():
        (folder / name).write_text(text)
    for path in begin.copies:
        shutil.copy(path, folder)


def record_words(words: str, out: Path) -> None:
    """Record a program of ``solvers/`` and its options."""
    program, *options = words.split()
    _record([str(_SOLVERS / program), *options], out)


def _record_entry(entry: Entry, _: int, out: Path) -> None:
    with TemporaryDirectory() as folder:
        here = Path(folder) / "made"
        make(entry.steps, here)
        run(entry, here, 1, [METASOLVE, "record", "-o", str(out), "--"])


def _record(
    words: Sequence[str],
    out: Path,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a command under ``metasolve record``; one that fails may have recorded something."""
    subprocess.run(
        [METASOLVE, "record", "-o", str(out), "--", *words],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
