"""Progress of long work on stderr: a bar on a terminal, a line now and then elsewhere.

Under mpiexec it is never a bar: Open MPI gives every rank a terminal of its own, and joins them.
"""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import TextIO

import rich.progress
from rich.console import Console

_SECONDS_BETWEEN_LINES = 15.0
_LAUNCHED = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS")


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody looks at a stream: it is a terminal, and not one that mpiexec made."""
    return stream.isatty() and not any(name in os.environ for name in _LAUNCHED)


def console(width: int = 100) -> Console:
    """A console on stdout; without colours, and so wide, where nobody looks."""
    if is_terminal(sys.stdout):
        return Console()
    return Console(width=width, force_terminal=False, color_system=None)


class Progress:
    """Called with what is being done, how much of it is done, and how much there is."""

    def __init__(self) -> None:
        self._bar = rich.progress.Progress(
            console=Console(stderr=True), disable=not is_terminal(sys.stderr), transient=True
        )
        self._tasks: dict[str, rich.progress.TaskID] = {}
        self._last = time.monotonic()

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Report progress."""
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total)
        self._bar.update(self._tasks[what], completed=done, total=total)
        if self._bar.disable and time.monotonic() - self._last > _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            sys.stderr.write(f"{what}: {done} of {total}\n")
