"""`Farm`: evaluates a batch of requests; `SerialFarm`: one after the other, always there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from metasolve.errors import RecordingError, WorkerError
from metasolve.farm.request import Request
from metasolve.farm.rows import as_exchanged
from metasolve.farm.underway import UnderWay
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Solver


class Farm(Protocol):
    """Evaluates requests, wherever that happens.

    Laws: outcomes come in the order of the requests; every rank that calls gets the same outcomes,
    bit for bit, with at most the last two norms of a history; an evaluation that raises becomes
    `Reason.ERROR`, one without a worker `Reason.CRASHED`, and neither stops the others.

    Attributes
    ----------
    calls
        Evaluations made so far, failed ones included.
    size
        Evaluations that run at the same time.
    bytes
        What this rank has sent to others so far.
    stopped
        Whether a stop has taken effect; equal on all ranks.
    """

    @property
    def calls(self) -> int: ...  # noqa: D102 - see above
    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def bytes(self) -> int: ...  # noqa: D102
    @property
    def stopped(self) -> bool: ...  # noqa: D102

    def evaluate(self, requests: Sequence[Request]) -> list[Outcome]:
        """Evaluate all requests; once stopped, return the outcomes of the first so many of them.

        Collective: yes, on all ranks of the farm, with equal requests.
        """
        ...

    def stop(self) -> None:
        """Begin no further request; may be called in a signal handler, on any rank.

        All ranks learn it at the next exchange. Collective: no.
        """
        ...

    def close(self) -> None:
        """End worker processes and free communicators. Collective: yes."""
        ...


class SerialFarm:
    """Evaluates one request after the other in this process.

    Parameters
    ----------
    solver
        What to call; closed with the farm if it can be.
    note
        Directory in which the evaluation under way is noted, see :func:`under_way`.
    """

    def __init__(self, solver: Solver, note: Path | None = None) -> None:
        self._solver = solver
        self._note = UnderWay(note)
        self.calls = 0
        self.size = 1
        self.bytes = 0
        self.stopped = False

    def evaluate(self, requests: Sequence[Request]) -> list[Outcome]:
        """Evaluate all requests, or those begun before a stop; Collective: no."""
        outcomes: list[Outcome] = []
        for request in requests:
            if self.stopped:
                break
            self._note.begin(request)
            outcomes.append(as_exchanged(attempt(self._solver, request)))
            self.calls += 1
        self._note.end()
        return outcomes

    def stop(self) -> None:
        """Begin no further request."""
        self.stopped = True

    def close(self) -> None:
        """Close the solver."""
        close(self._solver)


def attempt(solver: Solver, request: Request) -> Outcome:
    """Outcome of one request; what the solver raises becomes `Reason.ERROR` with its message.

    Where there is no worker to ask, or the system cannot be read, the settings are not to blame:
    the evaluation is lost.
    """
    try:
        return solver.solve(request.instance, request.settings, request.budget)
    except (WorkerError, RecordingError) as error:
        return Outcome.failure(Reason.CRASHED, str(error))
    except Exception as error:  # noqa: BLE001 - legacy codes raise anything; a batch must go on
        return Outcome.failure(Reason.ERROR, f"{type(error).__name__}: {error}")


def close(solver: Solver) -> None:
    """Close a solver that has something to close."""
    getattr(solver, "close", lambda: None)()
