"""Writing to a process that may be gone."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def no_broken_pipe_signal() -> Iterator[None]:
    """Let a reader that is gone be an error and no more.

    A PETSc in this process takes SIGPIPE for its own and calls into petsc4py, which does not hold
    the interpreter then: the process would crash.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
    try:
        yield
    finally:
        if signal.SIGPIPE in signal.sigpending():
            signal.sigwait({signal.SIGPIPE})
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
