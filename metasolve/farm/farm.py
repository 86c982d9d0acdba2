"""`Farm`: evaluates a batch of requests; `SerialFarm`: one after the other, always there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from metasolve.instance import Instance
from metasolve.outcome import Outcome, Reason
from metasolve.solver import Budget, Solver, Value


@dataclass(frozen=True)
class Request:
    """One evaluation to make; the arguments of :meth:`metasolve.solver.Solver.solve`."""

    instance: Instance
    settings: Mapping[str, Value]
    budget: Budget = field(default_factory=Budget)


class Farm(Protocol):
    """Evaluates requests, wherever that happens.

    Laws: outcomes come in the order of the requests; every rank that calls gets the same outcomes,
    bit for bit; an evaluation that raises becomes `Reason.ERROR` and does not stop the others.

    Attributes
    ----------
    calls
        Evaluations made so far, failed ones included.
    size
        Evaluations that run at the same time.
    """

    calls: int
    size: int

    def evaluate(self, requests: Sequence[Request]) -> list[Outcome]:
        """Evaluate all requests.

        Collective: yes, on all ranks of the farm, with equal requests.
        """
        ...


class SerialFarm:
    """Evaluates one request after the other in this process.

    Parameters
    ----------
    solver
        What to call.
    """

    def __init__(self, solver: Solver) -> None:
        self._solver = solver
        self.calls = 0
        self.size = 1

    def evaluate(self, requests: Sequence[Request]) -> list[Outcome]:
        """Evaluate all requests; Collective: no."""
        self.calls += len(requests)
        return [attempt(self._solver, request) for request in requests]


def attempt(solver: Solver, request: Request) -> Outcome:
    """Outcome of one request; what the solver raises becomes `Reason.ERROR` with its message."""
    try:
        return solver.solve(request.instance, request.settings, request.budget)
    except Exception as error:  # noqa: BLE001 - legacy codes raise anything; a batch must go on
        return Outcome.failure(Reason.ERROR, f"{type(error).__name__}: {error}")
