"""What to compare training with, for benchmark ``training``: searches with as many solver calls.

One setting for all instances by CMA-ES; and amortised search, which finds the best setting of some
instances one by one and carries it over to others by their features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray

from metasolve.baselines.global_search import suggest
from metasolve.report.drawing import pyplot
from metasolve.solve.instance import Instance
from metasolve.solve.solver import Value
from metasolve.space import Space
from metasolve.train.evaluator import HOST, Evaluator
from metasolve.train.inputs import Inputs, linear_rule
from metasolve.train.split import spread_out

Settings = Mapping[str, Value]
Policy = Callable[[Instance], Settings]
_BATCH = 4  # instances by which a generation of CMA-ES is judged, others in each
_TRIALS = 24  # of one instance's own search


def evolution(start: NDArray[np.float64], options: Mapping[str, Any]) -> Any:
    """CMA-ES from a point on; it imports matplotlib, which says nothing if we have done so."""
    pyplot()
    import cma

    return cma.CMAEvolutionStrategy(start, 0.4, options)


def evolved(evaluator: Evaluator, space: Space, seed: int) -> Settings:
    """The mean of the last generation of CMA-ES, from the defaults and within the box."""
    start = np.clip(space.to_vector(space.defaults()), -0.9, 0.9)
    options = {"seed": seed + 1, "bounds": [-1, 1], "verbose": -9}  # 0 would be the clock's
    strategy = evolution(start, options)
    rng, count = np.random.default_rng(seed), len(evaluator.instances)
    size = min(_BATCH, count)
    while evaluator.left >= size * (1 + strategy.popsize):
        chosen = [int(each) for each in rng.choice(count, size, replace=False)]
        know(evaluator, chosen)
        points = strategy.ask()
        asked = [(index, space.to_settings(z)) for z in points for index in chosen]
        costs = [each.cost for each in evaluator.measure(asked, "search")]
        strategy.tell(points, np.reshape(costs, (len(points), size)).mean(axis=1))
    return space.to_settings(strategy.result.xfavorite)


def amortised(evaluator: Evaluator, space: Space, seed: int) -> dict[str, Policy]:
    """The winners of single instances carried over: those of the nearest one, and a linear rule."""
    inputs = Inputs.of(evaluator.instances)
    count = max(evaluator.budget // (1 + _TRIALS), 2)
    chosen = spread_out(inputs.table, count, seed)
    know(evaluator, chosen)
    winners = np.array([_winner(evaluator, space, index, seed) for index in chosen])
    known = inputs.table[chosen]
    rules = [linear_rule(known, column)[:2] for column in winners.T]

    def features(instance: Instance) -> NDArray[np.float64]:
        raw = inputs.standardisation(inputs.standardisation.vector(instance.features))
        return np.where(inputs.varies, raw, 0.0)

    def nearest(instance: Instance) -> Settings:
        distances = np.linalg.norm(known - features(instance), axis=1)
        return space.to_settings(winners[int(np.argmin(distances))])

    def linear(instance: Instance) -> Settings:
        x = features(instance)
        return space.to_settings(np.array([b + w @ x for b, w in rules]))

    return {"nearest": nearest, "linear": linear}


def know(evaluator: Evaluator, indices: Sequence[int]) -> None:
    """Measure the program's own configuration where it is not known yet."""
    asked = [(index, dict(HOST)) for index in indices if index not in evaluator.host]
    evaluator.measure(asked, "reference")


def _winner(evaluator: Evaluator, space: Space, index: int, seed: int) -> NDArray[np.float64]:
    """Coordinates (dim,) of the best settings that TPE finds for one instance."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(space.defaults())

    def cost(trial: optuna.Trial) -> float:
        settings = suggest(space, trial)
        trial.set_user_attr("settings", settings)
        return evaluator.measure([(index, settings)], "search")[0].cost

    study.optimize(cost, n_trials=min(_TRIALS, evaluator.left))
    return space.to_vector(study.best_trial.user_attrs["settings"])
