"""The oracle: the fastest settings of each instance, known only after all were tried."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from metasolve.errors import SpaceError
from metasolve.files.atomic import write_atomically
from metasolve.files.strict_json import parse_object
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Budget, Solver, Value
from metasolve.space import Space

_LEAST_BUDGET = 0.01  # seconds
_FIRST_SHARE = 1 / 32  # of what the program's own configuration takes


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
    with suppress(OSError, ValueError, LookupError, TypeError, SpaceError):  # not to be believed
        found = parse_object(path.read_bytes())
        kept = {each.id: found[each.id] for each in instances}
        return {
            name: space.complete(settings) if settings else {} for name, settings in kept.items()
        }
    best = {}
    for done, each in enumerate(instances, 1):
        best[each.id] = fastest(solver, each, space)
        progress(done)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(best, indent=1) + "\n").encode())
    return best


def fastest(solver: Solver, instance: Instance, space: Space) -> Mapping[str, Value]:
    """The settings that solve an instance in least time, of every joint choice of a space.

    All of them get a limit, which is doubled until one answers within it; numbers are at their
    defaults. Those that answered then try their numbers at a quarter and three quarters of their
    ranges: a factorisation with more levels of fill is another method than one with none. Empty
    settings, the program's own, where nothing was faster. One solve each: what is close to the best
    may be taken for it.
    """
    own = solver.solve(instance, {}, Budget())
    within = partial(_answers, solver, instance)
    choices = [space.complete(arm) for arm in space.arms()]
    limit = _taken(own, instance) * _FIRST_SHARE
    answers = within(choices, limit)
    while not answers and limit < _taken(own, instance):
        limit *= 2.0
        answers = within(choices, limit)
    answers += within([moved for each, _ in answers for moved in _moved(space, each)], limit)
    if own.reason in (Reason.CONVERGED, Reason.WRONG_RESIDUAL):
        answers.append(({}, _taken(own, instance)))
    return min(answers, key=lambda each: each[1], default=({}, 0.0))[0]


def _answers(
    solver: Solver, instance: Instance, choices: Sequence[Mapping[str, Value]], limit: float
) -> list[tuple[Mapping[str, Value], float]]:
    """The choices that answer within a limit, and the seconds they take."""
    budget = Budget(seconds=max(_LEAST_BUDGET, limit / instance.setup_share))
    outcomes = [(each, solver.solve(instance, each, budget)) for each in choices]
    return [(each, _taken(outcome, instance)) for each, outcome in outcomes if outcome.ok]


def _moved(space: Space, settings: Mapping[str, Value]) -> list[Mapping[str, Value]]:
    """The same joint choice with other numbers, where it has any."""
    vector = space.to_vector(settings)
    moved = [space.to_settings(np.where(space.continuous, z, vector)) for z in (-0.5, 0.5)]
    return [each for each in moved if each != settings]


def _taken(outcome: Outcome, instance: Instance) -> float:
    """Seconds of a solve, with its share of the set-up."""
    return instance.setup_share * outcome.setup_seconds + outcome.solve_seconds
