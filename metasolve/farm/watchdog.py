"""`Watchdog`: ends the job when a solve that cannot be isolated does not come back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from metasolve.farm.pipes import no_broken_pipe_signal
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome
from metasolve.solve.solver import Budget, Solver, Value

if TYPE_CHECKING:
    from mpi4py.MPI import Comm

GRACE = 5.0
_PATIENCE = 4.0
_PROGRAM = Path(__file__).with_name("alarm.py")


def hard_limit(budget: Budget, grace: float = GRACE) -> float | None:
    """Seconds after which a solve is taken to hang; None without a limit of time.

    The limit itself is the solver's to keep; it may overrun by four times as much, or by `grace`
    seconds, whichever is more.
    """
    if budget.seconds is None:
        return None
    return budget.seconds + max(grace, _PATIENCE * budget.seconds)


class Watchdog:
    """A `Solver` that calls another one, on all ranks of a group, and ends the job if it hangs.

    When the hard limit has passed, one line says which evaluation it was, and the group's first
    rank is killed, which ends an MPI job (with srun: under ``--kill-on-bad-exit=1``). A small
    process keeps the time: a solver in C code holds the interpreter, so no thread of it could.

    Parameters
    ----------
    solver
        What to call.
    comm
        The group's communicator.
    grace
        Least seconds a solve may run beyond its budget.
    """

    def __init__(self, solver: Solver, comm: Comm, grace: float = GRACE) -> None:
        self._solver, self._grace = solver, grace
        self._ranks, self._first = comm.size, comm.rank == 0
        self._process: subprocess.Popen[bytes] | None = None

    def solve(self, instance: Instance, settings: Mapping[str, Value], budget: Budget) -> Outcome:
        """Solve, watched. Collective: yes, on comm."""
        limit = hard_limit(budget, self._grace)
        if limit is None or not self._first:
            return self._solver.solve(instance, settings, budget)
        self._set(limit, self._warning(instance, settings, limit))
        try:
            return self._solver.solve(instance, settings, budget)
        finally:
            self._set(None)

    def close(self) -> None:
        """End the process that keeps the time, and close the solver."""
        getattr(self._solver, "close", lambda: None)()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _set(self, seconds: float | None, warning: str = "") -> None:
        keeper = self._process
        if keeper is None or keeper.poll() is not None:
            command = [sys.executable, "-I", "-S", str(_PROGRAM), str(os.getpid())]
            keeper = self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
            )
        if keeper.stdin is not None:  # it is a pipe
            with no_broken_pipe_signal():
                keeper.stdin.write(json.dumps([seconds, warning]).encode() + b"\n")
                keeper.stdin.flush()

    def _warning(self, instance: Instance, settings: Mapping[str, Value], limit: float) -> str:
        return (
            f"metasolve: instance {instance.id} under {dict(settings)} did not come back within "
            f"{limit:g} s, and on {self._ranks} ranks cannot be stopped alone: the job ends here. "
            "Run the same command again to go on."
        )
