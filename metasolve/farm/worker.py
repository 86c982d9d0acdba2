"""What `IsolatedSolver` starts: a process that makes a solver, and solves what it is asked to.

Argument: a socket. It receives the parent's module search path and pid and the solver's factory,
answers when the solver is made, and from then on answers each request with an outcome and the
bytes it holds in memory. It ends with its parent, however that ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from metasolve.farm.farm import attempt
from metasolve.farm.request import Request

_MEMORY = Path("/proc/self/statm")
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
#: Meant for the parent, which ends its workers itself; a scheduler sends them to all processes.
_NOT_MINE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def main(socket: str) -> None:
    """Serve until the parent hangs up."""
    os.set_inheritable(int(socket), False)
    connection = Connection(int(socket))
    ignore_signals()
    with contextlib.suppress(EOFError, ConnectionError):
        path, parent = connection.recv()
        sys.path[:] = path
        die_with(parent)
        solver = connection.recv()()
        ignore_signals()  # again: PETSc, now loaded, took them over
        connection.send(None)
        while True:
            request = Request(*connection.recv())
            connection.send((attempt(solver, request), resident_bytes()))


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends; Linux only."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def ignore_signals() -> None:
    """Leave signals to the parent."""
    for each in _NOT_MINE:
        signal.signal(each, signal.SIG_IGN)


def resident_bytes() -> int:
    """Return the memory that this process holds; 0 where the system does not say."""
    try:
        with _MEMORY.open("rb", buffering=0) as pages:
            return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


if __name__ == "__main__":
    main(sys.argv[1])
