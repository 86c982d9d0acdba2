"""`measure`: calls per second of the farm on one and on several ranks, launched in turn."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from metasolve.errors import MetasolveError, UsageError
from metasolve.petsc.recording import Recording
from metasolve.report.result import Report, silent
from metasolve.scaling.costs import OVERHEADS
from metasolve.scaling.simulation import Durations, simulate

PROGRAM = "metasolve.scaling.program"


@dataclass(frozen=True)
class Sample:
    """One launch.

    Attributes
    ----------
    ranks : that evaluated.
    wall : seconds from a common start until the last rank has every outcome.
    seconds : (calls,), of each call, where it was made.
    workers : which process made each call.
    scheduling, overhead : seconds of a rank per call that does nothing, made by the rank itself and
        by its worker process.
    size : bytes exchanged per evaluation.
    """

    ranks: int
    wall: float
    seconds: Sequence[float]
    workers: Sequence[str]
    scheduling: float
    overhead: float
    size: float

    @property
    def idle(self) -> list[float]:
        """Share of the wall time in which a rank made no call; one entry per rank."""
        busy = dict.fromkeys(self.workers, 0.0)
        for worker, seconds in zip(self.workers, self.seconds, strict=True):
            busy[worker] += seconds
        shares = sorted(1.0 - each / self.wall for each in busy.values())
        return [*shares, *[1.0] * (self.ranks - len(shares))]


@dataclass(frozen=True)
class Row:
    """What some ranks came to: medians over repeats.

    Attributes
    ----------
    ranks, calls_per_second, speedup, efficiency : against one rank.
    simulated : speed-up that the simulation expects from the calls measured on one rank.
    slowdown : of the solves themselves, against one rank: what the ranks share is memory.
    idle : per rank, share of the wall time without a call.
    scheduling, overhead : seconds of a rank per call that does nothing, made by the rank itself and
        by its worker process.
    size : bytes exchanged per evaluation.
    """

    ranks: int
    calls_per_second: float
    speedup: float
    simulated: float
    efficiency: float
    slowdown: float
    idle: list[float]
    scheduling: float
    overhead: float
    size: float


@dataclass(frozen=True)
class Scaling:
    """Everything measured.

    Attributes
    ----------
    workload : in words.
    expected : (calls,), seconds under the program's own settings, by which calls are ordered.
    samples : launches, in the order made.
    """

    workload: str
    expected: Sequence[float]
    samples: Sequence[Sample]

    @property
    def durations(self) -> Durations:
        """Calls as measured on one rank, medians over repeats."""
        seconds = np.median([each.seconds for each in self._on(1)], axis=0)
        return Durations(seconds, np.asarray(self.expected), self.workload)

    @property
    def spread(self) -> tuple[float, float]:
        """Seconds that the 5 % shortest and the 5 % longest calls stay below and exceed."""
        low, high = np.percentile(self.durations.actual, [5, 95])
        return float(low), float(high)

    @property
    def call_overhead(self) -> float:
        """Seconds that the farm adds to a call of the workload, on one rank."""
        added = [(each.wall - sum(each.seconds)) / len(each.seconds) for each in self._on(1)]
        return float(np.median(added))

    def rows(self) -> list[Row]:
        """One row per number of ranks."""
        return [self._row(ranks) for ranks in sorted({each.ranks for each in self.samples})]

    def _on(self, ranks: int) -> list[Sample]:
        return [each for each in self.samples if each.ranks == ranks]

    def _row(self, ranks: int) -> Row:
        mine, alone = self._on(ranks), self._on(1)
        wall, one = _median([s.wall for s in mine]), _median([s.wall for s in alone])
        solving = _median([sum(s.seconds) for s in mine]) / _median([sum(s.seconds) for s in alone])
        return Row(
            ranks=ranks,
            calls_per_second=len(self.expected) / wall,
            speedup=one / wall,
            simulated=self._simulated(ranks),
            efficiency=one / wall / ranks,
            slowdown=solving,
            idle=np.median([each.idle for each in mine], axis=0).tolist(),
            scheduling=_median([each.scheduling for each in mine]),
            overhead=_median([each.overhead for each in mine]),
            size=_median([each.size for each in mine]),
        )

    def _simulated(self, ranks: int) -> float:
        calls = self.durations
        costs = replace(OVERHEADS, call=max(self.call_overhead, 0.0))
        one, many = (simulate(calls.actual, calls.expected, p, costs).wall for p in (1, ranks))
        return one / many


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


def measure(
    recording: Path | None = None,
    ranks: Sequence[int] = (1, 2),
    calls: int = 128,
    repeats: int = 5,
    seed: int = 0,
    progress: Report = silent,
) -> Scaling:
    """Evaluate the same calls on every number of ranks in turn, several times.

    Parameters
    ----------
    recording : whose systems are solved under varied settings; None for built-in problems.
    ranks : to compare; one rank is always among them.
    calls : per batch.
    repeats : launches per number of ranks; medians count.
    seed : of problems and settings.
    progress : called with what is being done, how much of it, and how much there is.

    Raises
    ------
    UsageError
        If ranks, calls or repeats are below 1.
    RecordingError
        If there is no recording.
    MetasolveError
        If mpiexec is missing, or a launch fails.
    """
    for name, value in (("ranks", min(ranks, default=0)), ("calls", calls), ("repeats", repeats)):
        if value < 1:
            raise UsageError(f"{name}={value} is below 1")
    counts = sorted({1, *ranks})
    workload = "built-in convection-diffusion problems"
    if recording is not None:
        workload = f"systems recorded in {Recording(recording).path.name}"
    with tempfile.TemporaryDirectory(prefix="metasolve-") as folder:
        launch = _Launch(recording, calls, seed, Path(folder))
        total = 1 + repeats * len(counts)
        progress("launches", 0, total)
        launch("reference", 1)
        samples = []
        for done, count in enumerate(counts * repeats, start=1):
            progress("launches", done, total)
            found = launch("batch", count)
            expected = found.pop("expected")
            samples.append(Sample(**found))
    return Scaling(workload, expected, samples)


class _Launch:
    """Starts the program that measures."""

    def __init__(self, recording: Path | None, calls: int, seed: int, folder: Path) -> None:
        self._words = ["-" if recording is None else str(recording), str(calls), str(seed)]
        self._expected, self._result = folder / "expected.json", folder / "result.json"
        mpiexec = shutil.which("mpiexec")
        if mpiexec is None:
            raise MetasolveError("mpiexec is not installed: apt-get install openmpi-bin")
        self._mpiexec = mpiexec

    def __call__(self, what: str, ranks: int) -> Any:
        files = [str(self._expected), str(self._result)]
        program = [sys.executable, "-m", PROGRAM, what, *self._words, *files]
        command = [self._mpiexec, "-n", str(ranks), *program]
        done = subprocess.run(
            command, env=environment(ranks), capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "Error: " in line]
            why = said[-1].strip() if said else done.stderr.strip()[-300:]
            raise MetasolveError(f"{ranks} ranks ended with exit code {done.returncode}: {why}")
        return json.loads(self._result.read_text()) if what == "batch" else None


def environment(ranks: int, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables for a launch: one thread per rank, one core per rank where there are enough.

    Open MPI is told to run as root where we do: what is started is our own program.
    """
    cores = len(os.sched_getaffinity(0))
    ours = {"OMP_NUM_THREADS": "1", "OMPI_MCA_hwloc_base_binding_policy": "core"}
    if ranks > cores:
        ours["OMPI_MCA_rmaps_base_oversubscribe"] = "1"
        ours["OMPI_MCA_hwloc_base_binding_policy"] = "none"
        ours["OMPI_MCA_mpi_yield_when_idle"] = "1"
    if os.geteuid() == 0:
        ours |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return {**given, **ours}
