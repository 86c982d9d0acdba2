"""`IsolatedSolver`: runs another solver in a process of its own, which may hang, crash or leak."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

from metasolve.errors import WorkerError
from metasolve.farm.pipes import no_broken_pipe_signal
from metasolve.farm.singleton import singleton_environment
from metasolve.farm.watchdog import GRACE, hard_limit
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Budget, Solver, Value

MEMORY_GROWTH = 2**30
_UNLIMITED = Budget()
_GLANCE = 5e-3  # seconds between calls of on_wait
_GOODBYE = 2.0  # seconds a worker has to end by itself
_STARTS = 3  # attempts: MPI libraries that start side by side now and then get in each other's way
_KILLED = "signal SIGKILL"
_CHATTER = 2**20  # bytes of stderr kept
#: An Open MPI that starts alone: no daemon, no network; 0.07 s instead of 0.4.
_ALONE = {
    "OMPI_MCA_ess_singleton_isolated": "1",
    "OMPI_MCA_pml": "ob1",
    "OMPI_MCA_btl": "self",
}


class IsolatedSolver:
    """A `Solver` that asks another one in a worker process.

    The worker starts at the first solve. One that does not answer within the hard limit of the
    solve's budget (:func:`metasolve.farm.watchdog.hard_limit`) is killed, and the outcome is
    `Reason.TIME_BUDGET`; one that dies makes it `Reason.CRASHED`; the next solve starts another.
    What the solver raises is `Reason.ERROR`. What it prints is not seen.

    Parameters
    ----------
    factory
        Makes the solver, in the worker; must be picklable, as must be instances.
    grace
        Least seconds a solve may run beyond its budget.
    memory_growth
        Bytes; a worker that grew by more since its first answer is replaced before the next solve.
        What the solver keeps in memory for later solves should fit.
    on_wait
        Called every few milliseconds while waiting, to let MPI make progress.

    Attributes
    ----------
    starts
        Workers started so far.

    Notes
    -----
    Collective: no. Instances, settings and outcomes are pickled, but only over a socket between
    these two processes. The worker ends with the thread that started it.
    """

    def __init__(
        self,
        factory: Callable[[], Solver],
        grace: float = GRACE,
        memory_growth: int = MEMORY_GROWTH,
        on_wait: Callable[[], object] | None = None,
    ) -> None:
        self._factory, self._grace, self._growth = factory, grace, memory_growth
        self._on_wait = on_wait
        self._worker: _Worker | None = None
        self._memory: int | None = None  # of the worker at its first answer
        self.starts = 0

    def solve(
        self, instance: Instance, settings: Mapping[str, Value], budget: Budget = _UNLIMITED
    ) -> Outcome:
        """Solve in the worker.

        One that is killed (SIGKILL), which its solver does not do, is asked again in a new worker:
        its job may be ending. Only a second time it is the settings' fault, such as of memory.

        Raises
        ------
        WorkerError
            If the worker could not start.
        """
        outcome = self._ask(instance, settings, budget)
        if outcome.reason is Reason.CRASHED and outcome.message.startswith(_KILLED):
            outcome = self._ask(instance, settings, budget)
        return outcome

    def _ask(self, instance: Instance, settings: Mapping[str, Value], budget: Budget) -> Outcome:
        worker = self._worker or self._start()
        limit = hard_limit(budget, self._grace)
        try:
            worker.send((instance, dict(settings), budget))
            answer: tuple[Outcome, int] = worker.receive(limit, self._on_wait)
        except TimeoutError:
            self._kill(worker)
            why = f"did not stop at its budget of {budget.seconds:g} s; killed after {limit:g} s"
            return Outcome.failure(Reason.TIME_BUDGET, why)
        except (EOFError, ConnectionError):
            return Outcome.failure(Reason.CRASHED, self._dismiss(worker))
        except BaseException:
            self._kill(worker)  # it would answer what the next solve asks
            raise
        self._watch(answer[1])
        return answer[0]

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._dismiss(self._worker)

    def _start(self) -> _Worker:
        for _ in range(_STARTS - 1):
            with contextlib.suppress(WorkerError):
                return self._start_once()
        return self._start_once()

    def _start_once(self) -> _Worker:
        self.starts += 1
        self._memory = None
        worker = self._worker = _Worker()
        try:
            worker.send((sys.path, os.getpid()))
            worker.send(self._factory)
            worker.receive(None, self._on_wait)
        except (EOFError, ConnectionError) as error:
            ended = self._dismiss(worker)
            raise WorkerError(f"the worker could not make its solver: {ended}") from error
        except BaseException:
            self._kill(worker)
            raise
        return worker

    def _dismiss(self, worker: _Worker) -> str:
        """Hang up, or hear that the worker did; returns how it ended."""
        self._worker = None
        return worker.dismiss()

    def _kill(self, worker: _Worker) -> None:
        self._worker = None
        worker.kill()

    def _watch(self, memory: int) -> None:
        """Dismiss a worker that leaks."""
        if self._memory is None:
            self._memory = memory
        elif memory - self._memory > self._growth:
            self.close()


class _Worker:
    """The process, the connection to it, and what it writes to stderr."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the worker)
        # Its own, because an MPI library that ends tidies up what another is about to use.
        self._folder = tempfile.TemporaryDirectory(prefix="mw-", ignore_cleanup_errors=True)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "metasolve.farm.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                env={**_ALONE, **singleton_environment(os.environ), "TMPDIR": self._folder.name},
            )
        self._connection = Connection(ours.detach())
        self._poll = select.poll()
        self._poll.register(self._connection.fileno(), select.POLLIN)

    def send(self, thing: Any) -> None:
        if os.fstat(self._said.fileno()).st_size > _CHATTER:
            self._said.seek(0)  # the worker's place in it, too
            self._said.truncate()
        with no_broken_pipe_signal():
            self._connection.send(thing)

    def receive(self, seconds: float | None, on_wait: Callable[[], object] | None) -> Any:
        """Wait for an answer, asleep; TimeoutError after `seconds`."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self._poll.poll(_milliseconds(deadline, on_wait is not None)):
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError
            if on_wait is not None:
                on_wait()
        return self._connection.recv()

    def dismiss(self) -> str:
        """Let it end by itself, in time; returns how it ended and its telling words."""
        self._connection.close()
        ended = _ends(self._process.pid)
        self._said.seek(0)
        words = telling_line(self._said.read().decode(errors="replace"))
        self.kill()
        how = _how(self._process.returncode) if ended else "hung up"
        return f"{how}: {words}" if words else how

    def kill(self) -> None:
        """Kill it and what it started."""
        self._connection.close()
        self._said.close()
        # Not yet waited for, so that nobody else can have the number.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._folder.cleanup()


def _milliseconds(deadline: float | None, glancing: bool) -> float | None:
    waits = [] if deadline is None else [max(0.0, deadline - time.monotonic())]
    waits += [_GLANCE] if glancing else []
    return 1e3 * min(waits) if waits else None


def _ends(pid: int) -> bool:
    """Whether a child ends by itself in time; it is not waited for, so its number stays its own."""
    end, look = time.monotonic() + _GOODBYE, os.WEXITED | os.WNOHANG | os.WNOWAIT
    while not os.waitid(os.P_PID, pid, look):
        if time.monotonic() > end:
            return False
        time.sleep(_GLANCE)
    return True


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def telling_line(text: str) -> str:
    """Return the line that says most: PETSc's first error, else the last line with words."""
    lines = [line.strip() for line in text.splitlines() if re.search("[a-zA-Z]{2}", line)]
    petsc = [line for line in lines if re.search(r"PETSC ERROR: .*[a-z]{2}", line)]
    return (petsc or lines[-1:] or [""])[0]
