"""The oracle: the fastest of a menu on each instance, known only after all of it was tried."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from metasolve.instance import Instance
from metasolve.model.directory import write_atomically
from metasolve.outcome import Reason
from metasolve.solver import Budget, Solver, Value
from metasolve.space import Space

_LEAST_BUDGET = 0.01  # seconds


def menu(space: Space) -> list[dict[str, Value]]:
    """Every joint choice of a space: its numbers at their defaults, a quarter and three quarters.

    A factorisation with more levels of fill is another method than one with none.
    """
    vectors = [space.to_vector(arm) for arm in space.arms()]
    tried: dict[str, dict[str, Value]] = {}
    for vector in vectors:
        for number in (None, -0.5, 0.5):
            moved = space.continuous & (number is not None)
            settings = space.to_settings(np.where(moved, number or 0.0, vector))
            tried.setdefault(json.dumps(settings, sort_keys=True), settings)
    return list(tried.values())


def best_of_each(
    solver: Solver,
    instances: Sequence[Instance],
    choices: Sequence[Mapping[str, Value]],
    folder: Path,
    progress: Callable[[int], None] = lambda _: None,
) -> dict[str, Mapping[str, Value]]:
    """The `fastest` choice by instance id; what `folder` holds of earlier searches is believed.

    Parameters
    ----------
    progress : called with the number of instances done.
    """
    told = json.dumps([[each.id for each in instances], list(choices)], sort_keys=True)
    path = folder / f"oracle-{hashlib.sha256(told.encode()).hexdigest()[:12]}.json"
    if path.exists():
        return json.loads(path.read_text())
    best = {}
    for done, each in enumerate(instances, 1):
        best[each.id] = fastest(solver, each, choices)
        progress(done)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(best, indent=1) + "\n").encode())
    return best


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
