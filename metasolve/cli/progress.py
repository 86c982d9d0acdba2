"""Progress of long work on stderr: a bar on a terminal, a line now and then elsewhere.

Under mpiexec it is never a bar: Open MPI gives every rank a terminal of its own, and joins them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

import rich.progress
from rich.console import Console

from metasolve.train.pace import Pace, in_words

_SECONDS_BETWEEN_LINES = 15.0
_SHARE_BETWEEN_LINES = 0.05  # of the time so far: who waits for hours need not read hundreds
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
    """Called with what is being done, how much of it is done, and how much there is.

    Parameters
    ----------
    clock : seconds, from anywhere.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._bar = rich.progress.Progress(
            console=Console(stderr=True), disable=not is_terminal(sys.stderr), transient=True
        )
        self._tasks: dict[str, rich.progress.TaskID] = {}
        self._paces: dict[str, Pace] = {}
        self._clock = clock
        self._began = self._last = clock()

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
        now, pace = self._clock(), self._paces.setdefault(what, Pace())
        pace.note(done, now)
        between = max(_SECONDS_BETWEEN_LINES, _SHARE_BETWEEN_LINES * (now - self._began))
        if self._bar.disable and now - self._last > between:
            self._last = now
            sys.stderr.write(_line(what, done, total, pace.left(total)) + "\n")


def _line(what: str, done: int, total: int, left: float | None) -> str:
    """How far it is, and where that is known and not all is done, how long it still takes."""
    line = f"{what}: {done} of {total}"
    return f"{line}, about {in_words(left)} left at this pace" if left else line
