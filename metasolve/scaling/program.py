"""What ``metasolve scaling`` starts under mpiexec: evaluates a workload, and times it.

Arguments: `reference` or `batch`; the recording, or ``-``; number of calls; seed; a JSON file of
expected seconds by instance, which `reference` writes and `batch` reads; JSON file for the result
of `batch`.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metasolve.farm import GroupFarm, IsolatedSolver, Request
from metasolve.scaling.workload import Workload, built_in, empty, recorded, told

if TYPE_CHECKING:
    from mpi4py.MPI import Comm, Intracomm

    from metasolve.solve.outcome import Outcome
    from metasolve.solve.solver import Solver

EMPTY_CALLS = 1000
_WARM = 200  # calls before those that are timed
_REFERENCES = 3  # the first of them loads what the others find in memory


def main(what: str, recording: str, count: str, seed: str, expected: str, result: str) -> None:
    """Measure. Collective: yes, on all ranks started."""
    from mpi4py import MPI

    make = built_in if recording == "-" else lambda *how: recorded(Path(recording), *how)
    workload = make(int(count), int(seed))
    if what == "reference":
        Path(expected).write_text(json.dumps(_reference(workload)))
        return
    found = _batch(workload, json.loads(Path(expected).read_text()), MPI.COMM_WORLD)
    if MPI.COMM_WORLD.rank == 0:
        Path(result).write_text(json.dumps(found))


def _reference(workload: Workload) -> dict[str, float]:
    """Median seconds of each instance under its own settings; Collective: no."""
    solver = workload.make_solver()
    taken: dict[str, list[float]] = {}
    for _ in range(_REFERENCES):
        for instance, settings in workload.reference():
            outcome = solver.solve(instance, settings, workload.budget(None))
            taken.setdefault(instance.id, []).append(told(outcome)[1])
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def _batch(workload: Workload, expected: Mapping[str, float], comm: Intracomm) -> dict[str, Any]:
    seconds = [expected[instance.id] for instance, _ in workload.calls]
    real = _evaluated(workload, seconds, comm, _isolated)
    nothing, zeros = empty(EMPTY_CALLS), [0.0] * EMPTY_CALLS
    plain, isolated = (_evaluated(nothing, zeros, comm, how) for how in (_plain, _isolated))
    workers, taken = zip(*map(told, real.outcomes), strict=True)
    return {
        "ranks": comm.size,
        "wall": real.wall,
        "expected": seconds,
        "seconds": taken,
        "workers": workers,
        "scheduling": comm.size * plain.wall / EMPTY_CALLS,
        "overhead": comm.size * isolated.wall / EMPTY_CALLS,
        "size": isolated.size,
    }


def _plain(factory: Callable[[], Solver], _: Comm) -> Solver:
    return factory()


def _isolated(factory: Callable[[], Solver], group: Comm) -> Solver:
    """In a worker process, as training has it."""
    return IsolatedSolver(factory, on_wait=group.Iprobe)


@dataclass(frozen=True)
class _Evaluated:
    """Seconds of the slowest rank, outcomes, bytes that all ranks sent per evaluation."""

    wall: float
    outcomes: list[Outcome]
    size: float


def _evaluated(
    workload: Workload,
    expected: Sequence[float],
    comm: Intracomm,
    how: Callable[[Callable[[], Solver], Comm], Solver],
) -> _Evaluated:
    farm = GroupFarm(lambda group: how(workload.make_solver, group), comm)
    requests = [
        Request(*call, workload.budget(seconds), seconds)
        for call, seconds in zip(workload.calls, expected, strict=True)
    ]
    farm.evaluate(requests[:_WARM])  # workers start, systems are loaded
    before = farm.bytes
    comm.Barrier()
    began = time.perf_counter()
    outcomes = farm.evaluate(requests)
    ended = time.perf_counter()
    sent = sum(comm.allgather(farm.bytes - before))
    farm.close()
    return _Evaluated(max(comm.allgather(ended - began)), outcomes, sent / len(requests))


if __name__ == "__main__":
    main(*sys.argv[1:])
