"""`Request`: one evaluation that a farm is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from metasolve.solve.instance import Instance
from metasolve.solve.solver import Budget, Value


@dataclass(frozen=True)
class Request:
    """One evaluation to make; the arguments of :meth:`metasolve.solve.solver.Solver.solve`.

    Parameters
    ----------
    instance, settings, budget
        What to solve, how, and where to stop.
    expected
        Seconds it may take; only orders the work. Equal on all ranks.
    """

    instance: Instance
    settings: Mapping[str, Value]
    budget: Budget = field(default_factory=Budget)
    expected: float = 0.0
