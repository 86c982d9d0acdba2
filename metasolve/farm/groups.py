"""`GroupFarm`: evaluates requests on groups of MPI ranks side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metasolve.errors import UsageError
from metasolve.farm.farm import Request, attempt
from metasolve.outcome import Outcome, Reason
from metasolve.solver import Solver

if TYPE_CHECKING:
    from mpi4py.MPI import Comm

_Result = tuple[int, Outcome]


class GroupFarm:
    """Splits a communicator into groups; request i goes to group i mod (number of groups).

    All ranks of a group call the solver together. Results travel as JSON, whose floats are exact,
    and are merged in rank order, so that all ranks hold the same list.

    Parameters
    ----------
    make_solver
        Called once on every rank with its group's communicator.
    comm
        All ranks of the farm.
    ranks_per_solve
        Ranks of one group.

    Raises
    ------
    UsageError
        If the ranks cannot be divided into groups of that size.

    Notes
    -----
    Collective: yes, on `comm`, for the constructor, `evaluate` and `close`. An error that a solver
    raises on some ranks of its group only can leave the others waiting: solvers that communicate
    must raise on all ranks or on none.
    """

    def __init__(
        self, make_solver: Callable[[Comm], Solver], comm: Comm, ranks_per_solve: int = 1
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
        self.calls = 0
        self.size = comm.size // ranks_per_solve

    def evaluate(self, requests: Sequence[Request]) -> list[Outcome]:
        """Evaluate all requests.

        Collective: yes, on comm; requests must be equal on all ranks.
        """
        self.calls += len(requests)
        mine = [
            (index, attempt(self._solver, requests[index]))
            for index in range(self._group_index, len(requests), self.size)
        ]
        # The first rank of a group speaks for it, but an error anywhere in the group is heard.
        told = mine if self._group.rank == 0 else [each for each in mine if _is_error(each)]
        return _merge(_exchange(self._comm, told), len(requests))

    def close(self) -> None:
        """Free the groups' communicators. Collective: yes, on comm."""
        self._group.Free()


def _is_error(result: _Result) -> bool:
    return result[1].reason is Reason.ERROR


def _merge(results: list[_Result], count: int) -> list[Outcome]:
    """One outcome per request: the first error if any, else what the group's first rank said."""
    merged: dict[int, Outcome] = {}
    for index, outcome in sorted(results, key=lambda each: not _is_error(each)):
        merged.setdefault(index, outcome)
    return [merged[index] for index in range(count)]


def _exchange(comm: Comm, results: list[_Result]) -> list[_Result]:
    """Results of all ranks, in rank order. Collective: yes, on comm."""
    rows: list[Any] = [[index, outcome.to_dict()] for index, outcome in results]
    text = np.frombuffer(json.dumps(rows).encode(), dtype=np.uint8)
    sizes = np.empty(comm.size, dtype=np.int64)
    comm.Allgather(np.array([text.size], dtype=np.int64), sizes)
    everything = np.empty(int(sizes.sum()), dtype=np.uint8)
    comm.Allgatherv(text, [everything, sizes])
    parts = np.split(everything, np.cumsum(sizes)[:-1])
    return [
        (index, Outcome.from_dict(data))
        for part in parts
        for index, data in json.loads(part.tobytes())
    ]
