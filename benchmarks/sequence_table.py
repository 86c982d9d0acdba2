"""`Table`: what the solves of one sequence take, by the step their preconditioner was built at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.sequence_change import NONE, Change
from benchmarks.sequence_grid import Array


@dataclass(frozen=True)
class Table:
    """One sequence under one host.

    Parameters
    ----------
    setup
        Seconds of a build at each step; (n,).
    seconds, iterations
        Of the solve at a step, its preconditioner being of an earlier one or its own;
        (step, build), NaN where that one is too old or of another mesh. Of a solve that was
        stopped: until then.
    solved
        Whether it was not stopped; (step, build).
    changes
        How far each operator had moved since those before it, the nearest first.
    rtol
        Of the solves.
    anew
        Seconds of the set-up of a new solver.
    """

    setup: Array
    seconds: Array
    iterations: Array
    solved: NDArray[np.bool_]
    changes: Sequence[Sequence[Change]]
    rtol: float
    anew: float

    def __len__(self) -> int:
        return len(self.setup)

    @property
    def fresh(self) -> Array:
        """Seconds of build and solve at each step."""
        told: Array = self.setup + np.diagonal(self.seconds)
        return told

    def offered(self, step: int, built: int) -> bool:
        """Whether the preconditioner of an earlier step may serve."""
        return bool(np.isfinite(self.seconds[step, built]))

    def change(self, step: int, since: int) -> Change:
        """How far the operator had moved."""
        return self.changes[step][step - since - 1] if step > since else NONE


def table(
    found: Mapping[str, Any],
    changes: Sequence[Sequence[Sequence[float]]],
    rtol: float,
    anew: float,
) -> Table:
    """Make a table of what `benchmarks.sequence_measurement.measure` and others found.

    A solve's seconds are its iterations times the median seconds of one in its column: the
    scatter of single solves would be the oracle's gain.
    """
    steps = found["steps"]
    n = len(steps)
    seconds, iterations = np.full((n, n), np.nan), np.full((n, n), np.nan)
    solved = np.zeros((n, n), dtype=bool)
    for built, column in enumerate(steps):
        solves = column["solves"]
        each = float(np.median([s["seconds"] / s["iterations"] for s in solves[1:] or solves]))
        for step, solve in enumerate(solves, built):
            iterations[step, built] = solve["iterations"]
            fresh = step == built
            seconds[step, built] = solve["seconds"] if fresh else each * solve["iterations"]
            solved[step, built] = solve["converged"]
    setup = np.array([column["setup"] for column in steps])
    moved = [[Change(*each) for each in mine] for mine in changes]
    return Table(setup, seconds, iterations, solved, moved, rtol, anew)


def usable(found: Mapping[str, Any]) -> bool:
    """Whether the host solves every system with a preconditioner of its own."""
    return all(column["solves"][0]["converged"] for column in found["steps"])
