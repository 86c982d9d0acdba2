"""`Counter`: a number that all ranks draw from, without a rank that hands it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mpi4py.MPI import Intracomm


class Counter:
    """Counts from zero; one-sided, in memory of the first rank of `comm`.

    On one node a draw takes microseconds whatever the first rank does. Over a network without
    remote memory access it may wait for the first rank's next MPI call.

    Collective: yes, on comm, for the constructor and `free`.
    """

    def __init__(self, comm: Intracomm) -> None:
        from mpi4py import MPI

        number = np.dtype(np.int64).itemsize
        self._window = MPI.Win.Allocate(number if comm.rank == 0 else 0, number, comm=comm)
        self._window.Lock_all()
        if comm.rank == 0:
            memory: Any = self._window.tomemory()  # a buffer, which mpi4py's stubs do not say
            np.frombuffer(memory, dtype=np.int64)[0] = 0
            self._window.Sync()
        comm.Barrier()

    def draw(self, step: int = 1) -> int:
        """Return the count and move it on by `step`, in one. Collective: no."""
        before = np.empty(1, dtype=np.int64)
        self._window.Fetch_and_op(np.array([step], dtype=np.int64), before, 0)
        self._window.Flush(0)
        return int(before[0])

    def free(self) -> None:
        """Free the memory."""
        self._window.Unlock_all()
        self._window.Free()
