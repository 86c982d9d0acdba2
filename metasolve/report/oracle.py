"""The oracle: the fastest of a menu on each instance, known only after trying it all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metasolve.instance import Instance
from metasolve.outcome import Reason
from metasolve.solver import Budget, Solver, Value

_LEAST_BUDGET = 0.01  # seconds


def fastest(
    solver: Solver, instance: Instance, choices: Sequence[Mapping[str, Value]]
) -> Mapping[str, Value]:
    """The choice that solves an instance in least time, each stopped at the best so far.

    None at all where nothing beats the program's own configuration. One solve each: what is close
    to the best may be taken for it.
    """
    own = solver.solve(instance, {})
    answered = own.reason in (Reason.CONVERGED, Reason.WRONG_RESIDUAL)
    seconds = own.setup_seconds + own.solve_seconds
    least = instance.setup_share * own.setup_seconds + own.solve_seconds if answered else None
    best: Mapping[str, Value] = {}
    for settings in choices:
        limit = (least or seconds) / instance.setup_share
        outcome = solver.solve(instance, settings, Budget(seconds=max(_LEAST_BUDGET, limit)))
        taken = instance.setup_share * outcome.setup_seconds + outcome.solve_seconds
        if outcome.ok and (least is None or taken < least):
            least, best = taken, settings
    return best
