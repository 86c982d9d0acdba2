"""Benchmark ``training``: what training finds, against searches with as many solver calls.

Every contender gets the same number of calls on the training instances, the program's own
configuration included; what it found is then solved once on instances that nobody saw. The cost is
deterministic: no time is measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.parts import Parts
from benchmarks.searches import Policy, amortised, evolved
from metasolve.baselines.global_search import GlobalSearch
from metasolve.errors import UsageError, did_you_mean
from metasolve.farm import Farm, Request
from metasolve.model.model import Model
from metasolve.report.result import Report, Result, Row, Section, panels, save, silent, spread
from metasolve.solve.cost import Cost, Measure
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome
from metasolve.solve.solver import Budget, Value
from metasolve.train.config import TrainConfig
from metasolve.train.evaluator import HOST, Evaluator
from metasolve.train.events import Events, read_events
from metasolve.train.past import EVENTS
from metasolve.train.session import train_task
from metasolve.train.task import Task

AUTO, EVOLVED, TUNED, AMORTISED = "auto", "CMA-ES global", "Optuna global", "amortised"
FRANK_WOLFE = "frank-wolfe"
FIXED: Mapping[str, tuple[str, str]] = {
    "projected": ("projected", "surrogate"),
    "mean": ("mean", "surrogate"),
    "sign": ("sign", "none"),
    "full": ("full", "none"),
    "smoothed": ("smoothed", "surrogate"),
}
"""Estimator and control variate of trainings that `auto` is compared with."""
OPTIMISERS: Mapping[str, Literal["adam", "frank-wolfe"]] = {FRANK_WOLFE: "frank-wolfe"}
"""What moves in trainings with another optimiser than `auto` has."""

Found = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Where contenders learn, and where they are judged.

    Attributes
    ----------
    task, unseen : instances to learn from, with the settings; instances to judge by.
    farm : where solver calls run.
    out : directory of trainings and of what was found so far; a killed benchmark goes on there.
    calls : solver calls of each contender, everything included.
    measure : of the cost; not seconds.
    """

    task: Task
    unseen: Sequence[Instance]
    farm: Farm
    out: Path
    calls: int
    measure: Measure = "iterations"

    @property
    def cost(self) -> Cost:
        """The cost that every contender minimises and is judged by."""
        return Cost(self.measure, TrainConfig().cap)

    def evaluator(self, instances: Sequence[Instance], calls: int) -> Evaluator:
        """A budget of calls on some instances."""
        return Evaluator(self.farm, instances, self.cost, calls, Events(None))

    def judge(self, policy: Policy) -> Found:
        """Costs of a policy on the unseen instances."""
        evaluator = self.evaluator(self.unseen, 2 * len(self.unseen))
        places = range(len(self.unseen))
        evaluator.measure([(place, dict(HOST)) for place in places], "judge")
        asked = [(place, dict(policy(self.unseen[place]))) for place in places]
        chosen = [each for each in asked if each[1]]
        results = {each.instance: each for each in evaluator.measure(chosen, "judge")}
        costs = [results[place].cost if place in results else 0.0 for place in places]
        failed = sum(not each.outcome.ok for each in results.values())
        return {"costs": costs, "failures": failed, "left alone": len(costs) - len(results)}


@dataclass(frozen=True)
class Training:
    """The benchmark's outcome."""

    result: Result

    def plot(self, path: Path) -> None:
        """Speed-up on unseen instances by contender, mean and range over seeds."""
        rows = list(reversed(self.result.sections[0].rows))
        figure, [axis] = panels(1)
        low, middle, high = np.array(
            [[row[key] for key in ("min", "mean", "max")] for row in rows]
        ).T
        error = np.maximum([middle - low, high - middle], 0.0)
        colours = ["#ccbb44" if row["policy"] == "search" else "#4477aa" for row in rows]
        axis.barh(range(len(rows)), middle, xerr=error, color=colours)
        axis.set_yticks(range(len(rows)), [row["contender"] for row in rows], fontsize=7)
        axis.axvline(1.0, color="0.4", lw=0.9)
        axis.set_xlabel(f"speed-up in {self.result.settings['measure']}, unseen instances")
        save(figure, path)


def run(
    comparison: Comparison,
    seeds: Sequence[int],
    *,
    only: Sequence[str] = (),
    report: Report = silent,
) -> Training:
    """Let every contender, or `only` some, learn with every seed, and judge what they found.

    Raises
    ------
    UsageError
        When `comparison.out` holds results of other options, or a contender is unknown.
    """
    unknown = [each for each in only if each not in contenders()]
    if unknown:
        raise UsageError(f"only={unknown[0]!r}: {did_you_mean(unknown[0], list(contenders()))}")
    parts = Parts(comparison.out, _options(comparison))
    found: dict[str, list[Found]] = {}
    turns = [(contender, seed) for seed in seeds for contender in only or contenders()]
    for done, (contender, seed) in enumerate(turns):
        report("trainings and searches", done, len(turns))
        measure = partial(contenders()[contender], comparison, seed)
        for name, each in parts.of(f"{_slug(contender)}-{seed}", measure).items():
            found.setdefault(name, []).append(each)
    sections = [
        Section(f"speed-up over the program's own on {len(comparison.unseen)} unseen instances",
                rows(found)),
        Section("claims", claims(found)),
    ]  # fmt: skip
    return Training(Result("training", {**_options(comparison), "seeds": list(seeds)}, sections))


def contenders() -> Mapping[str, Callable[[Comparison, int], dict[str, Found]]]:
    """What learns or searches, by name; one contender may find several policies."""
    return {
        AUTO: lambda comparison, seed: {AUTO: _trained(comparison, AUTO, seed)},
        FRANK_WOLFE: _fixed(FRANK_WOLFE),
        EVOLVED: _evolved,
        TUNED: _tuned,
        AMORTISED: _amortised,
        **{name: _fixed(name) for name in FIXED},
    }


def _fixed(name: str) -> Callable[[Comparison, int], dict[str, Found]]:
    return lambda comparison, seed: {name: _trained(comparison, name, seed)}


def _trained(comparison: Comparison, name: str, seed: int) -> Found:
    estimator, variate = FIXED.get(name, ("auto", "surrogate"))
    out = comparison.out / f"{_slug(name)}-{seed}"
    config = TrainConfig(calls=comparison.calls, seed=seed, measure=comparison.measure,
                         optimizer=OPTIMISERS.get(name, "adam"), estimator=estimator,
                         control_variate=variate)  # fmt: skip
    events = read_events(out / EVENTS)
    model = train_task(comparison.task, comparison.farm, out, config, events)
    told = {"calls": model.info["calls"]["train"], "policy": model.info.get("winner", "default")}
    chosen = model.info.get("gradient", {})
    return {**comparison.judge(_policy(model)), **told, "estimator": chosen.get("estimator")}


def _policy(model: Model) -> Policy:
    """What the model chooses itself: in production the prior chooses for what is unfamiliar."""

    def choose(instance: Instance) -> Mapping[str, Any]:
        return {} if model.refuses(instance.features) else model.settings(instance.features)

    return choose


def _evolved(comparison: Comparison, seed: int) -> dict[str, Found]:
    evaluator = comparison.evaluator(comparison.task.instances, comparison.calls)
    settings = evolved(evaluator, comparison.task.space, seed)
    return {EVOLVED: _searched(comparison, lambda _: settings, evaluator.calls)}


def _tuned(comparison: Comparison, seed: int) -> dict[str, Found]:
    task, solver = comparison.task, _Calls(comparison.farm)
    search = GlobalSearch(
        task.space, solver, task.instances, comparison.calls, seed, comparison.cost
    )
    best = search.run()
    return {TUNED: _searched(comparison, lambda _: best.settings, best.calls)}


@dataclass(frozen=True)
class _Calls:
    """A farm as a solver."""

    farm: Farm

    def solve(self, instance: Instance, settings: Mapping[str, Value], budget: Budget) -> Outcome:
        """Solve one instance."""
        return self.farm.evaluate([Request(instance, dict(settings), budget)])[0]


def _amortised(comparison: Comparison, seed: int) -> dict[str, Found]:
    evaluator = comparison.evaluator(comparison.task.instances, comparison.calls)
    policies = amortised(evaluator, comparison.task.space, seed)
    return {
        f"{AMORTISED}, {how}": _searched(comparison, policy, evaluator.calls)
        for how, policy in policies.items()
    }


def _searched(comparison: Comparison, policy: Policy, calls: int) -> Found:
    return {**comparison.judge(policy), "calls": calls, "policy": "search", "estimator": None}


def _options(comparison: Comparison) -> dict[str, Any]:
    return {
        "settings": list(comparison.task.space.names),
        "instances": len(comparison.task.instances),
        "unseen": len(comparison.unseen),
        "calls": comparison.calls,
        "measure": comparison.measure,
    }


def _slug(name: str) -> str:
    return name.lower().replace(",", "").replace(" ", "-")


# --- tables -----------------------------------------------------------------------------------


def speedups(found: Sequence[Found]) -> NDArray[np.float64]:
    """Geometric mean over the instances of (own / found), (seeds,)."""
    return np.array([np.exp(-np.mean(each["costs"])) for each in found])


def rows(found: Mapping[str, Sequence[Found]]) -> list[Row]:
    """One row per contender, with the spread over seeds."""
    return [
        {
            "contender": name,
            **spread(speedups(seeds)),
            "worst solve": float(np.exp(-max(max(each["costs"]) for each in seeds))),
            "failed": sum(each["failures"] for each in seeds),
            "left alone": sum(each["left alone"] for each in seeds),
            "calls": int(np.mean([each["calls"] for each in seeds])),
            "policy": " | ".join(dict.fromkeys(each["policy"] for each in seeds)),
            "estimator": " | ".join(dict.fromkeys(each["estimator"] or "-" for each in seeds)),
        }
        for name, seeds in found.items()
    ]


def claims(found: Mapping[str, Sequence[Found]]) -> list[Row]:
    """Ratios of geometric means over instances and seeds, and what they should at least be.

    Of contenders that took part.
    """
    means = {name: float(np.exp(np.log(speedups(seeds)).mean())) for name, seeds in found.items()}
    fixed = _best(means, FIXED)
    learned = _best(means, [AUTO, *FIXED])
    searched = _best(means, [name for name in means if name.startswith(AMORTISED)])
    auto, evolution = _best(means, [AUTO]), _best(means, [EVOLVED])
    told = [
        ("auto / best fixed estimator", auto / fixed, 0.95),
        ("best learned / CMA-ES global", learned / evolution, 1.1),
        ("auto / CMA-ES global", auto / evolution, 1.1),
        ("auto / Optuna global", auto / _best(means, [TUNED]), 1.0),
        ("auto / frank-wolfe", auto / _best(means, [FRANK_WOLFE]), 1.0),
        ("best learned / amortised search", learned / searched, 1.0),
    ]
    return [
        {"ratio": what, "found": ratio, "at least": least, "holds": ratio >= least}
        for what, ratio, least in told
        if math.isfinite(ratio)
    ]


def _best(means: Mapping[str, float], names: Iterable[str]) -> float:
    """The largest of some; not a number where none of them took part."""
    return max((means[name] for name in names if name in means), default=math.nan)
