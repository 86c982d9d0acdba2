"""`Recording`: the systems an unmodified program solved, as the plug-in wrote them down."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import ValidationError

from metasolve.errors import RecordingError
from metasolve.files.atomic import read_regular
from metasolve.files.complaint import explain
from metasolve.files.strict_json import parse_object
from metasolve.petsc.launch import MANIFEST
from metasolve.petsc.manifest import LINES, LeftLine, RunLine, SkippedLine, SolveLine, understand
from metasolve.petsc.recorded_solve import Operator, RecordedSolve
from metasolve.solve.instance import Instance

_OPENING = '{"kind":'
FEATURES_VERSION = 3  #: METASOLVE_FEATURES_VERSION of the plug-in
_REDONE = 0.05  # of the first set-up: to find that there is nothing to do takes less
_SIMILAR = 9  # sizes whose looks are thought to take the same
RECORD_FIRST = "make one with: metasolve record -o DIR -- COMMAND"


@dataclass(frozen=True)
class Skipped:
    """A solve that could not be recorded, or the point where recording stopped."""

    kind: str
    run: str
    why: str
    prefix: str = ""


@dataclass(frozen=True)
class Run:
    """One start of the program."""

    run: str
    petsc: str
    ranks: int
    features_version: int
    time: float = 0.0


@dataclass
class Recording:
    """A recording directory.

    A torn last line of its manifest (the program was killed) is ignored.

    Parameters
    ----------
    path
        The directory.

    Attributes
    ----------
    paths : of this one, and of those that were added.
    runs, solves, skipped : starts of the program, and its solves, in order.
    left : number of solves that have no line, by why.

    Raises
    ------
    RecordingError
        If there is no manifest, or a line of it cannot be understood.
    """

    path: Path
    paths: list[Path] = field(init=False)
    runs: list[Run] = field(init=False)
    solves: list[RecordedSolve] = field(init=False)
    skipped: list[Skipped] = field(init=False)
    left: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        self.path = Path(self.path).absolute()
        self.paths: list[Path] = [self.path]
        self.runs: list[Run] = []
        self.solves: list[RecordedSolve] = []
        self.skipped: list[Skipped] = []
        self.left: Counter[str] = Counter()
        for number, line in _lines(self.path / MANIFEST):
            self._take(number, line)

    def __repr__(self) -> str:
        return (
            f"<Recording {self.path}: {len(self.runs)} runs, {len(self.solves)} solves, "
            f"{len(self.operators())} operators, {len(self.skipped)} skipped>"
        )

    def add(self, other: Recording) -> None:
        """Add what another recording holds; a solve that is in both counts once."""
        known = {solve.id for solve in self.solves}
        self.paths += other.paths
        self.runs += other.runs
        self.solves += [solve for solve in other.solves if solve.id not in known]
        self.skipped += other.skipped
        self.left += other.left

    def instances(self) -> list[Instance]:
        """Return every recorded solve as an instance, in the order solved.

        Each pays for one set-up divided by the number of solves that follow each other, in the
        same run and KSP, with the same operator.

        Raises
        ------
        RecordingError
            If nothing was recorded, or by a metasolve that computed other features.
        """
        self._check_features()
        if not self.solves:
            raise RecordingError(f"{self.path} holds no solve{self._why_empty()}; {RECORD_FIRST}")
        shares = setup_shares(
            [((s.run, s.prefix), (s.operator.hash, s.operator.state)) for s in self.solves],
            [s.outcome.setup_seconds for s in self.solves],
        )
        looks = usual_seconds(
            [solve.operator.rows for solve in self.solves],
            [solve.features_seconds for solve in self.solves],
        )
        return [
            Instance(
                solve.id,
                solve.features,
                share,
                solve,
                solve.tolerance,
                look,
                solve.outcome.setup_seconds + solve.outcome.solve_seconds,
            )
            for solve, share, look in zip(self.solves, shares, looks, strict=True)
        ]

    def operators(self) -> dict[str, Operator]:
        """Return the different operators by hash, in the order of their first solve."""
        found: dict[str, Operator] = {}
        for solve in self.solves:
            found.setdefault(solve.operator.hash, solve.operator)
        return found

    def feature_names(self) -> list[str]:
        """Return the names of the features that every solve has."""
        if not self.solves:
            return []
        common = set.intersection(*(set(solve.features) for solve in self.solves))
        return [name for name in self.solves[0].features if name in common]

    def _take(self, number: int, entry: dict[str, Any]) -> None:
        try:
            line = understand(entry)
        except ValidationError as error:
            told = explain(error, lambda _: [])
            raise RecordingError(
                f"{self.path / MANIFEST}, line {number}: {told}; delete that line, or record anew"
            ) from error
        if isinstance(line, RunLine):
            self.runs.append(Run(**line.model_dump(exclude={"kind", "format"})))
        elif isinstance(line, SolveLine):
            self.solves.append(line.read(self.path))
        elif isinstance(line, SkippedLine):
            self.skipped.append(Skipped(**line.model_dump()))
        elif isinstance(line, LeftLine):
            self.left[line.why] += line.solves

    def _check_features(self) -> None:
        for run in self.runs:
            if run.features_version != FEATURES_VERSION:
                raise RecordingError(
                    f"{self.path}: features of version {run.features_version} (run {run.run}), "
                    f"this metasolve computes version {FEATURES_VERSION}: record again, elsewhere"
                )

    def _why_empty(self) -> str:
        reasons = sorted({each.why for each in self.skipped} | {*+self.left})
        return f" ({'; '.join(reasons)})" if reasons else ""


def record(
    command: Sequence[str],
    out: str | os.PathLike[str],
    *,
    prefix: str | None = None,
    every: int | None = None,
    max_systems: int | None = None,
    max_bytes: int | None = None,
) -> Recording:
    """Run `command` as it is, and record the systems it solves.

    Parameters
    ----------
    command
        Program and arguments, an ``mpiexec`` included.
    out
        Recording directory; made, or added to.
    prefix
        Options prefix of the KSP meant; None for every outermost KSP.
    every
        Record one solve out of so many.
    max_systems, max_bytes
        Stop recording there, counting what the directory holds already.

    Returns
    -------
    Recording
        All that the directory now holds.

    Raises
    ------
    RecordingError
        If the command fails, or nothing was recorded.
    UsageError, PluginError
        As `metasolve.petsc.launch.record`.
    """
    from metasolve.petsc import launch
    from metasolve.petsc.conduct import Watch

    watch = Watch(prefix, every, max_systems, max_bytes)
    code = launch.record(command, out, watch)
    if code != 0:
        raise RecordingError(f"{command[0]} ended with exit code {code}; {out} may hold a part")
    return Recording(Path(out))


def _lines(manifest: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = read_regular(manifest).decode(errors="replace")
    except OSError as error:
        raise RecordingError(f"no recording in {manifest.parent}; {RECORD_FIRST}") from error
    understood = False
    for number, line in enumerate(text.splitlines(), 1):
        entry = _parsed(line)
        if entry is not None:
            understood = understood or str(entry.get("kind")) in LINES
            yield number, entry
    if not understood and text.strip():
        raise RecordingError(f"{manifest}: no line of it is of a recording; record anew")


def _parsed(line: str) -> dict[str, Any] | None:
    """Return the object a line holds, None where a killed program tore it.

    A later run appends to the torn line, so that it ends with a whole object.
    """
    for start in (0, line.rfind(_OPENING)):
        with contextlib.suppress(ValueError):
            return parse_object(line[start:] if start >= 0 else "")
    return None


def setup_shares(
    solves: Sequence[tuple[Hashable, Hashable]], setups: Sequence[float]
) -> list[float]:
    """Return which part of a set-up each solve pays: 1 / length of its uninterrupted sequence.

    Parameters
    ----------
    solves
        For each solve where it happened (run and KSP) and with which operator, in order.
    setups
        Seconds that the program's own set-up took before each. One longer than a twentieth of
        the first of its sequence starts another: the program makes a KSP for every solve.
    """
    group_of: list[int] = []
    sizes: list[int] = []
    latest: dict[Hashable, tuple[Hashable, int, float]] = {}
    for (place, operator), setup in zip(solves, setups, strict=True):
        before, _, first = latest.get(place, (None, 0, 0.0))
        if place not in latest or before != operator or setup > _REDONE * first:
            latest[place] = (operator, len(sizes), setup)
            sizes.append(0)
        group = latest[place][1]
        sizes[group] += 1
        group_of.append(group)
    return [1.0 / sizes[group] for group in group_of]


def usual_seconds(sizes: Sequence[int], seconds: Sequence[float]) -> list[float]:
    """Return, for each, the median of what was measured at it and the most similar sizes.

    Looking at a system is measured once, and takes microseconds: one interruption in a hundred
    looks would seem a hundred times as long.
    """
    order = np.argsort(sizes, kind="stable")
    around = np.pad(np.asarray(seconds, float)[order], _SIMILAR // 2, mode="symmetric")
    usual = np.empty(len(order))
    usual[order] = np.median(sliding_window_view(around, _SIMILAR), axis=1)
    smooth: list[float] = usual.tolist()
    return smooth
