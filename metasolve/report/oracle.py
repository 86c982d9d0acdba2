"""The oracle: the fastest settings of each instance, known only after all were tried."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from metasolve.instance import Instance
from metasolve.model.directory import write_atomically
from metasolve.outcome import Outcome, Reason
from metasolve.solver import Budget, Solver, Value
from metasolve.space import Space

_LEAST_BUDGET = 0.01  # seconds


def best_of_each(
    solver: Solver,
    instances: Sequence[Instance],
    space: Space,
    folder: Path,
    progress: Callable[[int], None] = lambda _: None,
) -> dict[str, Mapping[str, Value]]:
    """The `fastest` settings by instance id; what `folder` holds of earlier searches is believed.

    Parameters
    ----------
    progress : called with the number of instances done.
    """
    told = json.dumps([[each.id for each in instances], space.to_dict()], sort_keys=True)
    path = folder / f"oracle-{hashlib.sha256(told.encode()).hexdigest()[:12]}.json"
    if path.exists():
        return json.loads(path.read_text())
    best = {}
    for done, each in enumerate(instances, 1):
        best[each.id] = fastest(solver, each, space)
        progress(done)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(best, indent=1) + "\n").encode())
    return best


def fastest(solver: Solver, instance: Instance, space: Space) -> Mapping[str, Value]:
    """The settings that solve an instance in least time, of every joint choice of a space.

    First all of them with numbers at their defaults; then, of those that took less than twice the
    best so far, with numbers at a quarter and three quarters of their ranges: a factorisation with
    more levels of fill is another method than one with none. Empty settings, the program's own, are
    one of the choices. One solve each: what is close to the best may be taken for it.
    """
    race = _Race(solver, instance)
    promising = [arm for arm in space.arms() if race.enter(space.complete(arm))]
    for arm in promising:
        vector = space.to_vector(arm)
        for number in (-0.5, 0.5):
            race.enter(space.to_settings(np.where(space.continuous, number, vector)))
    return race.best


class _Race:
    """Settings against each other on one instance; what takes twice the best is stopped."""

    def __init__(self, solver: Solver, instance: Instance) -> None:
        self._solver, self._instance = solver, instance
        self.best: Mapping[str, Value] = {}
        own = solver.solve(instance, {}, Budget())
        self._limit = own.setup_seconds + own.solve_seconds
        answered = own.reason in (Reason.CONVERGED, Reason.WRONG_RESIDUAL)
        self._least = self._taken(own) if answered else np.inf
        self._tried: list[Mapping[str, Value]] = []

    def _taken(self, outcome: Outcome) -> float:
        return self._instance.setup_share * outcome.setup_seconds + outcome.solve_seconds

    def enter(self, settings: Mapping[str, Value]) -> bool:
        """Solve under settings not tried before; whether that took less than twice the best."""
        if settings in self._tried:
            return False
        self._tried.append(settings)
        seconds = 2.0 * min(self._limit, self._least) / self._instance.setup_share
        outcome = self._solver.solve(
            self._instance, settings, Budget(seconds=max(_LEAST_BUDGET, seconds))
        )
        if outcome.ok and self._taken(outcome) < self._least:
            self._least, self.best = self._taken(outcome), settings
        return outcome.ok and self._taken(outcome) < 2.0 * self._least
