"""Benchmark ``corpus``: measure what generated systems take under the prior's candidates.

Seconds are the processor's, of one core; cheap solves are repeated. Every solve runs in a process
of its own, with a budget of some times the best so far of its system. Each system is appended to
the file when it is finished; the same command goes on where it stopped.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from benchmarks.corpus_elements import logarithmic
from benchmarks.corpus_kinds import KINDS, Drawn
from benchmarks.corpus_saddles import SADDLES
from metasolve.farm.isolated import IsolatedSolver
from metasolve.petsc.contract import Measure
from metasolve.petsc.generated_solve import GeneratedSolve
from metasolve.petsc.library import plugin
from metasolve.petsc.recorded_solve import Host
from metasolve.petsc.replay import Replay
from metasolve.petsc.systems import Systems
from metasolve.prior import Candidate
from metasolve.prior.candidates import DEFAULT, SADDLE
from metasolve.prior.corpus import Row, Taken, read_corpus
from metasolve.report.result import Report
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Budget

SMALLEST, USUAL, LARGEST = 2e2, 8e3, 1.5e5
LARGEST_SADDLE = 4e4  #: their factorisations take long
#: Systems with such numbers are larger: from the former's `LARGEST`, or nearly, to this.
LARGE, LOW, HIGH = 1000, 1e5, 4e5
DIRECT_SHARE, DIRECT_LARGE, DIRECT_SADDLES = 0.35, 0.6, 0.6
EARLY_SMALLEST, EARLY_DIRECT_SHARE = 5e2, 0.2  #: of the first systems of the shipped corpus
EXACT = 1e-15  #: backward error that direct solves are measured at
#: A candidate may take this many times the best so far (the latter where that is long: much more
#: than `QUICK` seconds), the default settings this many ...
PATIENCE, IMPATIENCE, DEFAULT_PATIENCE = 5.0, 2.0, 30.0
QUICK = 0.02
#: ... and seconds: at least, at most where there is no best so far, and for what a program may
#: have of its own; five times that where systems are large.
LEAST, FIRST, MOST, TIMES_LARGE = 0.06, 2.0, 4.0, 5.0
_GRACE = 1.0
_SCOUTS = ("cg+icc0", "cg+hypre.5", "bcgs+ilu0", "cholesky-cholmod", "lu-umfpack")
#: Up to so many seconds so many solves; slower than `_POOR` times the best is not repeated.
_REPEATS = ((0.05, 5), (0.3, 3))
_POOR = 2.5


@dataclass(frozen=True)
class Task:
    """A system to measure: its kind, and its number among them; early: as the first were drawn."""

    kind: str
    number: int
    early: bool = False

    @property
    def large(self) -> bool:
        """Whether it is larger than usual."""
        return self.number >= LARGE

    def rng(self) -> np.random.Generator:
        """Its own random numbers."""
        return np.random.default_rng([sum(map(ord, self.kind)), len(self.kind), self.number])


def tasks(kinds: Sequence[str] = tuple(KINDS), first: int = 0) -> Iterator[Task]:
    """Every kind in turn, without end."""
    number = first
    while True:
        yield from (Task(kind, number) for kind in kinds)
        number += 1


def size(
    rng: np.random.Generator, *, large: bool = False, saddle: bool = False, early: bool = False
) -> float:
    """Unknowns: in logarithm, a triangle with its peak at `USUAL`; of large ones, evenly."""
    if large:
        return logarithmic(rng, LOW, HIGH)
    smallest = EARLY_SMALLEST if early else SMALLEST
    low, peak, high = np.log([smallest, USUAL, LARGEST_SADDLE if saddle else LARGEST])
    return float(np.exp(rng.triangular(low, peak, high)))


def contract(rng: np.random.Generator, drawn: Drawn, task: Task) -> tuple[Measure, float]:
    """What is asked of an answer."""
    small = EARLY_DIRECT_SHARE if task.early else DIRECT_SHARE
    usual = DIRECT_LARGE if task.large else small
    share = DIRECT_SADDLES if task.kind in SADDLES else usual
    if rng.random() < share and not drawn.constant_null:
        return Measure.BACKWARD, EXACT
    return drawn.measure, logarithmic(rng, 1e-10, 1e-3)


def from_file(path: str) -> tuple[sp.csr_matrix, NDArray[np.float64]]:
    """A and b that `Bench` wrote."""
    with np.load(path) as kept:
        A = sp.csr_matrix((kept["data"], kept["indices"], kept["indptr"]))
        return A, kept["b"]


def measure(
    path: Path,
    candidates: Sequence[Candidate],
    minutes: float,
    report: Report,
    *,
    large: bool = False,
) -> int:
    """Append systems to `path` until the minutes are over; returns how many there are.

    Parameters
    ----------
    large
        Larger systems than usual.

    Raises
    ------
    RecordingError
        If the file is torn before its last line.
    """
    mend(path)
    rows = read_corpus(path) if path.exists() else []
    done, began = {(row.kind, row.number) for row in rows}, time.monotonic()
    bench = Bench(candidates)
    with path.open("a", encoding="utf-8") as out:
        for task in tasks(first=LARGE if large else 0):
            spent = time.monotonic() - began
            report("corpus, minutes", int(spent / 60), int(minutes))
            if spent > 60 * minutes:
                break
            if (task.kind, task.number) not in done:
                out.write(f"{bench.row(task).line()}\n")
                out.flush()
                done.add((task.kind, task.number))
    bench.close()
    return len(done)


def mend(path: Path) -> None:
    """Cut off a line that a run did not finish."""
    if path.exists():
        whole = path.read_bytes()
        path.write_bytes(whole[: whole.rfind(b"\n") + 1])


class Bench:
    """Measures systems, one after the other, in a worker process."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = candidates
        replay = partial(Replay, bytes=1, clock=time.process_time)
        self._solver = IsolatedSolver(replay, grace=_GRACE)

    def close(self) -> None:
        """End the worker."""
        self._solver.close()

    def row(self, task: Task) -> Row:
        """Draw a system and solve it under every candidate."""
        with self.drawn(task) as (solve, features):
            usable = [each for each in self._candidates if each.suits(features)]
            taken = self._taken(solve, usable, task.large)
        kind = task.kind, KINDS[task.kind][0], task.number
        return Row(*kind, solve.measure.value, solve.rtol, features, taken, machine())

    @contextmanager
    def drawn(self, task: Task) -> Iterator[tuple[GeneratedSolve, dict[str, float]]]:
        """Draw a system: while it is on disk, it and its features."""
        rng = task.rng()
        saddle = task.kind in SADDLES
        unknowns = size(rng, large=task.large, saddle=saddle, early=task.early)
        drawn = KINDS[task.kind][1](rng, unknowns)
        asked = contract(rng, drawn, task)
        with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
            solve = _written(Path(folder) / "system.npz", drawn, task, *asked)
            yield solve, _features(solve)

    def _taken(
        self, solve: GeneratedSolve, usable: Sequence[Candidate], large: bool
    ) -> dict[str, Taken]:
        usable = sorted(usable, key=lambda each: _turn(each, solve.direct, large))
        instance = as_instance(solve)
        # Programs factorise such systems themselves.
        factored = solve.direct and (large or any(each.operators == SADDLE for each in usable))
        taken: dict[str, Taken] = {}
        best: float | None = None
        hopeless = False
        for each in usable:
            own = each.name == DEFAULT or (factored and factorises(each))
            budget = allowance(best, own, TIMES_LARGE if large else 1.0) * busy()
            if hopeless and factorises(each):
                found = _taken(Outcome.failure(Reason.TIME_BUDGET), budget)
            else:
                found = self.repeated(instance, each.serial, budget, best)
            # One that had to be killed took many times its budget: others would, too.
            hopeless |= factorises(each) and found.hung
            taken[each.name] = found
            if found.good:
                best = found.total if best is None else min(best, found.total)
        return taken

    def repeated(
        self, instance: Instance, options: Mapping[str, str], budget: float, best: float | None
    ) -> Taken:
        """Solve under a candidate's options; cheap solves several times, poor ones once."""
        outcomes = [self._solver.solve(instance, options, Budget(seconds=budget))]
        first = _seconds(outcomes[0])
        poor = best is not None and first > _POOR * best
        if outcomes[0].ok and not poor:
            count = next((times for limit, times in _REPEATS if first < limit), 1)
            for _ in range(1, count):
                again = self._solver.solve(instance, options, Budget(seconds=budget))
                outcomes += [again] if again.ok else []
        outcomes.sort(key=_seconds)
        shown = outcomes[0 if first < _REPEATS[0][0] else len(outcomes) // 2]
        return _taken(shown, budget)


def as_instance(solve: GeneratedSolve) -> Instance:
    """A system as a solver takes it."""
    return Instance(solve.id, {}, payload=solve, tolerance=solve.rtol)


def allowance(best: float | None, own: bool, times: float = 1.0) -> float:
    """Wall seconds that a candidate may use; own: a program may have it itself."""
    most = times * MOST
    if best is None:
        return most if own else times * FIRST
    patience = float(np.clip(PATIENCE * (QUICK / best) ** 0.4, IMPATIENCE, PATIENCE))
    if own:
        return max(LEAST, patience * best, min(most, DEFAULT_PATIENCE * best))
    return max(LEAST, patience * best)


def _turn(candidate: Candidate, direct: bool, large: bool) -> int:
    """Usually good ones come first, and one of each family: what is bad is then soon stopped."""
    if candidate.operators == SADDLE:
        return -1
    scouts = candidate.name in _SCOUTS
    if direct and factorises(candidate):
        return 1 if large else 0
    return 0 if scouts and large else 1 if scouts else 2


def factorises(candidate: Candidate) -> bool:
    """Whether it solves by a factorisation."""
    return candidate.serial["ksp_type"] == "richardson"


def busy() -> float:
    """Wall seconds per processor second that are to be expected here."""
    return float(np.clip(os.getloadavg()[0] / len(os.sched_getaffinity(0)), 1.0, 4.0))


def machine() -> str:
    """Processor and PETSc."""
    from petsc4py import PETSc

    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "?")
    return f"{model}; PETSc {'.'.join(map(str, PETSc.Sys.getVersion()))}"


def _seconds(outcome: Outcome) -> float:
    return outcome.setup_seconds + outcome.solve_seconds


def _taken(outcome: Outcome, budget: float) -> Taken:
    residual = outcome.true_residual if np.isfinite(outcome.true_residual) else None
    reason = Reason.TIME_BUDGET if outcome.lost else outcome.reason
    seconds = outcome.setup_seconds, outcome.solve_seconds
    return Taken(*seconds, outcome.iterations, residual, reason.name, budget)


def _written(path: Path, drawn: Drawn, task: Task, measure: Measure, tolerance: float) -> Any:
    A = sp.csr_matrix(drawn.A)
    A.sort_indices()
    np.savez(path, data=A.data, indices=A.indices, indptr=A.indptr, b=drawn.b)
    return GeneratedSolve(
        f"{task.kind}-{task.number}",
        from_file,
        {"path": str(path)},
        Host("gmres", "ilu", {}),
        tolerance,
        measure=measure,
        block_size=drawn.block_size,
        constant_null=drawn.constant_null,
    )


def _features(solve: GeneratedSolve) -> dict[str, float]:
    from petsc4py import PETSc

    systems = Systems(PETSc.COMM_SELF, bytes=1)
    system = systems.load(solve)
    features = plugin().features(system.A, system.b, solve.rtol, solve.abstol)
    systems.destroy()
    return features
