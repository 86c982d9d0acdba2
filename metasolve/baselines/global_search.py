"""The baseline to beat: one setting for all instances, found by Optuna at equal solver calls."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter

from metasolve.errors import UsageError
from metasolve.files.atomic import write_atomically
from metasolve.files.strict_json import parse_object
from metasolve.solve.cost import Cost
from metasolve.solve.instance import Instance
from metasolve.solve.solver import Budget, Solver, Value
from metasolve.space import Choice, Flag, Integer, Setting, Space

if TYPE_CHECKING:
    import optuna

_LEAST_BUDGET = 0.01  # seconds


@dataclass(frozen=True)
class GlobalSetting:
    """One setting for every instance.

    Attributes
    ----------
    settings : active settings by name.
    cost : mean cost over the instances it was tuned on (log of the ratio to the host's default).
    calls : solver calls spent, the host's defaults included.
    trials : settings tried.
    seconds : of solver time spent.
    """

    settings: dict[str, Value]
    cost: float
    calls: int
    trials: int
    seconds: float


class GlobalSearch:
    """Tunes one setting by Optuna's TPE, a setting that is clearly worse being given up early.

    Parameters
    ----------
    space, solver, instances
        What may be set, who solves, what to tune on.
    calls
        Budget in solver calls, everything included.
    cost
        The cost that training minimised, so that both aim at the same.
    """

    def __init__(
        self,
        space: Space,
        solver: Solver,
        instances: Sequence[Instance],
        calls: int,
        seed: int = 0,
        cost: Cost = Cost(),  # noqa: B008 (frozen)
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        if not instances:
            raise UsageError(
                "no instance to tune the global baseline on: evaluate with the recording the "
                "model was trained on where it was, or leave the baseline out (--no-global)"
            )
        self._space, self._solver, self._budget, self._seed = space, solver, calls, seed
        self._order = np.random.default_rng(seed).permutation(len(instances))
        self._instances = [instances[i] for i in self._order]
        self._cost, self._progress = cost, progress
        self._calls, self._seconds = 0, 0.0
        self._references: dict[str, float] = {}

    def run(self) -> GlobalSetting:
        """Spend the budget and return the best setting that was tried on every instance."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that parts of it are experimental
            study = optuna.create_study(
                sampler=optuna.samplers.TPESampler(seed=self._seed, multivariate=True, group=True),
                pruner=optuna.pruners.WilcoxonPruner(p_threshold=0.1, n_startup_steps=3),
            )
        study.enqueue_trial(self._space.defaults())
        while self._calls < self._budget:
            study.optimize(self._objective, n_trials=1)
        complete = optuna.trial.TrialState.COMPLETE
        done = [(t.value, t) for t in study.trials if t.state == complete and t.value is not None]
        value, best = min(done, key=lambda pair: pair[0])
        return GlobalSetting(
            best.user_attrs["settings"], value, self._calls, len(study.trials), self._seconds
        )

    def _objective(self, trial: optuna.Trial) -> float:
        import optuna

        settings = suggest(self._space, trial)
        trial.set_user_attr("settings", settings)
        costs: list[float] = []
        for step, instance in enumerate(self._instances):
            if self._calls >= self._budget and trial.number > 0:
                raise optuna.TrialPruned  # a mean over some instances would compare apples to pears
            costs.append(self._evaluate(instance, settings))
            trial.report(costs[-1], step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(costs))

    def _evaluate(self, instance: Instance, settings: Mapping[str, Value]) -> float:
        if instance.id not in self._references:
            outcome = self._call(instance, {}, Budget())
            self._references[instance.id] = self._cost.quantity(outcome, instance)
        reference = self._references[instance.id]
        seconds = max(_LEAST_BUDGET, self._cost.cap * reference / instance.setup_share)
        limit = Budget(seconds=seconds) if self._cost.measure == "seconds" else Budget()
        return self._cost(self._call(instance, settings, limit), instance, reference)

    def _call(self, instance: Instance, settings: Mapping[str, Value], budget: Budget) -> Any:
        outcome = self._solver.solve(instance, settings, budget)
        self._calls += 1
        self._seconds += outcome.setup_seconds + outcome.solve_seconds
        self._progress(self._calls)
        return outcome


def suggest(space: Space, trial: optuna.Trial) -> dict[str, Value]:
    """Let Optuna choose the active settings, parents before children."""
    chosen: dict[str, Value] = {}
    for setting in space.settings:
        parent = next(iter(setting.when), None)
        if parent is None or chosen.get(parent) in setting.when[parent]:
            chosen[setting.name] = setting.canonical(_suggest(setting, trial))
    return chosen


def _suggest(setting: Setting, trial: optuna.Trial) -> Value:
    if isinstance(setting, Choice):
        return trial.suggest_categorical(setting.name, setting.values)
    if isinstance(setting, Flag):
        return trial.suggest_categorical(setting.name, (False, True))
    low, high, log = setting.low, setting.high, setting.scale == "log"
    if isinstance(setting, Integer):
        return trial.suggest_int(setting.name, int(low), int(high), log=log)
    return trial.suggest_float(setting.name, low, high, log=log)


def cached(search: GlobalSearch, path: Path) -> GlobalSetting:
    """Return what `path` holds, or search and keep the result there."""
    with suppress(OSError, ValueError):  # none yet, or none that can be believed
        return TypeAdapter(GlobalSetting).validate_python(parse_object(path.read_bytes()))
    found = search.run()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(asdict(found), indent=1) + "\n").encode())
    return found
