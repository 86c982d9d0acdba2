"""`GroupFarm`: evaluates requests on groups of MPI ranks side by side."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import UsageError
from metasolve.farm.counter import Counter
from metasolve.farm.farm import attempt, close
from metasolve.farm.request import Request
from metasolve.farm.rows import from_rows, to_rows
from metasolve.farm.schedule import longest_first
from metasolve.farm.underway import UnderWay
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Solver

if TYPE_CHECKING:
    from mpi4py.MPI import Comm, Intracomm

_Result = tuple[int, Outcome]
_Kind = TypeVar("_Kind", bound=np.generic)
_PAUSES = (20e-6, 200e-6)  # seconds between looks at whether the others are done, growing


class GroupFarm:
    """Splits a communicator into groups, which pull requests, those expected to take longest first.

    All ranks of a group call the solver together. Every rank works; none coordinates. Who
    evaluated what depends on time, the outcomes do not.

    Parameters
    ----------
    make_solver
        Called once on every rank with its group's communicator; what it makes is closed with the
        farm if it can be.
    comm
        All ranks of the farm.
    ranks_per_solve
        Ranks of one group.
    note
        Directory in which the evaluations under way are noted, see :func:`under_way`.

    Raises
    ------
    UsageError
        If the ranks cannot be divided into groups of that size.

    Notes
    -----
    Collective: yes, on `comm`, for the constructor, `evaluate` and `close`. An error that a solver
    raises on some ranks of its group only can leave the others waiting: solvers that communicate
    must raise on all ranks or on none.

    A rank sends 48 bytes per batch, and 96 and the text of its message per evaluation it made.
    """

    def __init__(
        self,
        make_solver: Callable[[Comm], Solver],
        comm: Intracomm,
        ranks_per_solve: int = 1,
        note: Path | None = None,
    ) -> None:
        if ranks_per_solve < 1 or comm.size % ranks_per_solve:
            raise UsageError(
                f"ranks_per_solve={ranks_per_solve} does not divide {comm.size} ranks; "
                "start a multiple of it"
            )
        self._comm = comm
        self._group_index = comm.rank // ranks_per_solve
        self._group = comm.Split(color=self._group_index, key=comm.rank)
        self._solver = make_solver(self._group)
        self._note = UnderWay(note if self._group.rank == 0 else None, self._group_index)
        self._counter, self._drawn = Counter(comm), 0
        self._stopping = False
        self.calls = 0
        self.size = comm.size // ranks_per_solve
        self.bytes = 0
        self.stopped = False

    def evaluate(self, requests: Sequence[Request]) -> list[Outcome]:
        """Evaluate all requests; once stopped, return the outcomes of the first so many of them.

        Collective: yes, on comm; requests must be equal on all ranks, but for seconds of budgets.

        Raises
        ------
        UsageError
            On all ranks, if their requests differ.
        """
        if self.stopped:
            return []
        order = longest_first([request.expected for request in requests])
        self._agree(requests, order)
        outcomes = _merge(self._exchange([] if self.stopped else self._work(requests, order)))
        self._drawn += len(requests)
        self.calls += len(outcomes)
        # Stopped, groups may have left out a request and made a later one: that one is lost.
        known = next((i for i in range(len(requests)) if i not in outcomes), len(requests))
        return [outcomes[index] for index in range(known)]

    def stop(self) -> None:
        """Begin no further request; all ranks learn it at the next exchange."""
        self._stopping = True

    def close(self) -> None:
        """Close the solvers and free the communicators. Collective: yes, on comm."""
        close(self._solver)
        self._counter.free()
        self._group.Free()

    # --- one batch -----------------------------------------------------------------------------

    def _agree(self, requests: Sequence[Request], order: Sequence[int]) -> None:
        """Check that all ranks were asked the same, and learn who was told to stop."""
        asked = self._gather(np.array([_digest(requests, order), len(requests), self._stopping]))
        self.stopped = bool(asked[:, 2].any())
        others = [rank for rank in range(self._comm.size) if (asked[rank] != asked[0])[:2].any()]
        if others:
            raise UsageError(
                f"ranks disagree on what to evaluate: rank {others[0]} asks for "
                f"{asked[others[0], 1]} evaluations, rank 0 for {asked[0, 1]} others; "
                "start all ranks with equal input"
            )

    def _work(self, requests: Sequence[Request], order: Sequence[int]) -> list[_Result]:
        """Evaluate what falls to this group: first its own share, then whatever is left."""
        made: list[_Result] = []
        position = self._group_index
        while position < len(order) and not self._told_to_stop(len(order)):
            request = requests[order[position]]
            self._note.begin(request)
            made.append((order[position], attempt(self._solver, request)))
            position = self._pull()
        self._note.end()
        return made

    def _pull(self) -> int:
        """Return the next position in the order that nobody has taken.

        Every evaluation is followed by one draw, so that a batch moves the counter by its length:
        it need not be reset.
        """
        position = 0
        if self._group.rank == 0:
            position = self.size + self._counter.draw() - self._drawn
        return int(self._group.bcast(position)) if self._group.size > 1 else position

    def _told_to_stop(self, count: int) -> bool:
        """Whether any rank of the group was; then nothing is left to pull for the others either."""
        told = self._stopping
        if self._group.size > 1:
            told = any(self._group.allgather(told))
        if told and self._group.rank == 0:
            self._counter.draw(count)
        return told

    # --- what ranks tell each other --------------------------------------------------------------

    def _exchange(self, made: list[_Result]) -> list[_Result]:
        """Return results of all ranks, in rank order; learn who was told to stop."""
        # The first rank of a group speaks for it, but an error anywhere in the group is heard.
        told = made if self._group.rank == 0 else [each for each in made if _is_error(each)]
        rows, texts = to_rows(told)
        self._rest()
        sizes = self._gather(np.array([rows.size, texts.size, self._stopping]))
        self.stopped = self.stopped or bool(sizes[:, 2].any())
        everything = self._gather_all(rows.ravel(), sizes[:, 0])
        return list(from_rows(everything, self._gather_all(texts, sizes[:, 1])))

    def _rest(self) -> None:
        """Wait until all ranks are here; asleep, for a core may be another's worker's."""
        here, (pause, longest) = self._comm.Ibarrier(), _PAUSES
        while not here.Test():
            time.sleep(pause)
            pause = min(1.5 * pause, longest)

    def _gather(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a few numbers of each rank, one row per rank."""
        self.bytes += numbers.nbytes
        table = np.empty((self._comm.size, numbers.size), dtype=np.int64)
        self._comm.Allgather(numbers, table)
        return table

    def _gather_all(self, part: NDArray[_Kind], sizes: NDArray[np.int64]) -> NDArray[_Kind]:
        """Return arrays of all ranks end to end."""
        self.bytes += part.nbytes
        everything = np.empty(int(sizes.sum()), dtype=part.dtype)
        if everything.size:
            self._comm.Allgatherv(part, [everything, sizes])
        return everything


def _is_error(result: _Result) -> bool:
    return result[1].reason is Reason.ERROR


def _merge(results: Iterable[_Result]) -> dict[int, Outcome]:
    """One outcome per request: the first error if any, else what the group's first rank said."""
    merged: dict[int, Outcome] = {}
    for index, outcome in sorted(results, key=lambda each: not _is_error(each)):
        merged.setdefault(index, outcome)
    return merged


def _digest(requests: Sequence[Request], order: Sequence[int]) -> int:
    """63 bits of what must be equal on all ranks."""
    asked = hashlib.blake2b(repr(order).encode(), digest_size=8)
    for request in requests:
        settings = sorted(request.settings.items())
        asked.update(repr((request.instance.id, settings, request.budget.iterations)).encode())
    return int.from_bytes(asked.digest(), "big") >> 1
