"""`screen`: is a case usable, and which of its settings matter? A few runs tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from metasolve.program.case import Case
from metasolve.program.case_file import read_case
from metasolve.program.consistency import check_program
from metasolve.program.instances import instances
from metasolve.program.leftover import leftover
from metasolve.program.process import sweep
from metasolve.program.solver import ProgramSolver
from metasolve.program.training import probe
from metasolve.solve.cost import Cost
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome
from metasolve.solve.solver import Budget, Value
from metasolve.space import Choice, Flag, Setting, Space

Settings = Mapping[str, Value]
_PATIENCE = 5.0  # no trial takes longer than so many times the program's own settings
_LEAST = math.log(1.01)  # an effect that anyone would notice
_NOISES = 3.0  # an effect is real if it exceeds so many times the difference of two equal runs


@dataclass(frozen=True)
class Trial:
    """One setting moved away from its default on one instance; `log_ratio` None if it failed."""

    setting: str
    value: Value
    instance: str
    log_ratio: float | None
    message: str


@dataclass(frozen=True)
class Effect:
    """What one setting does.

    Attributes
    ----------
    setting : name.
    spread : log of the ratio of the dearest to the cheapest success, largest over instances.
    best, gain : its cheapest value, and how many times cheaper than the default that is.
    failures, trials : runs.
    matters : whether that is more than noise, or it can make a run fail.
    """

    setting: str
    spread: float
    best: Value
    gain: float
    failures: int
    trials: int
    matters: bool


@dataclass(frozen=True)
class Screening:
    """What the runs of a check say.

    Attributes
    ----------
    case : name of the case.
    own : cost and message of the program's own settings, run after run.
    noise : log of the ratio of two equal runs, the larger of those seen.
    answer_noise : distance of two answers of equal runs; None where answers are not compared.
    defaults : log ratio of the declared defaults, given explicitly, to the program's own settings.
    unused : settings that PETSc did not ask for.
    effects : the settings, those that matter most first.
    trials : every run of the screening.
    calls : runs of the program.
    """

    case: str
    own: list[dict[str, Any]]
    noise: float
    answer_noise: float | None
    defaults: float | None
    unused: list[str]
    effects: list[Effect]
    trials: list[Trial]
    calls: int

    def to_dict(self) -> dict[str, Any]:
        """Strict JSON: None for what is not finite."""
        data = asdict(self)
        if self.answer_noise is not None and not math.isfinite(self.answer_noise):
            data["answer_noise"] = None
        return data


def screen(
    case: Case | str | Path,
    *,
    count: int = 2,
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Screening:
    """Run a case twice as it is, once with every default given, then one setting at a time.

    Parameters
    ----------
    count : instances to screen on.
    seed : of the instances.

    Raises
    ------
    UsageError, ReadingError
        If the case cannot be used; one line with key, value and remedy.
    """
    case = case if isinstance(case, Case) else read_case(case)
    check_program(case)
    sweep()
    known = instances(case, max(count, 4), seed)
    solver = ProgramSolver(case)
    probe(solver, known)
    known = [each for each in known if solver.own(each).ok][:count]
    points = list(one_at_a_time(case.space))
    screener = _Screener(case, solver, progress, len(known) * (3 + len(points)))
    return screener.run(known, points)


class _Screener:
    """Counts runs while it measures."""

    def __init__(
        self,
        case: Case,
        solver: ProgramSolver,
        progress: Callable[[str, int, int], None],
        total: int,
    ) -> None:
        self.case, self.solver, self.progress, self.total = case, solver, progress, total
        self.calls = 0
        self.cost = Cost("seconds" if case.cost.unit == "seconds" else "iterations", 1e3)
        self.reference: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    def run(self, known: Sequence[Instance], points: list[tuple[str, Settings]]) -> Screening:
        own, noise = [], 0.0
        for each in known:
            pair = [self.solve(each, {}, None) for _ in range(2)]
            costs = [self.cost.quantity(outcome, each) for outcome in pair]
            self.reference[each.id] = min(costs)
            self.seconds[each.id] = max(outcome.solve_seconds for outcome in pair)
            noise = max(noise, abs(math.log(costs[0] / costs[1])))
            own.append({"instance": each.id, "costs": costs, "message": pair[1].message})
        ratios = [self.ratio(each, self.case.space.defaults())[0] for each in known]
        trials = [
            Trial(name, settings[name], each.id, *self.ratio(each, settings))
            for name, settings in points
            for each in known
        ]
        answers = [self.solver.repeatability(each) for each in known]
        measured = [ratio for ratio in ratios if ratio is not None]
        return Screening(
            case=self.case.name,
            own=own,
            noise=noise,
            answer_noise=max((a for a in answers if a is not None), default=None),
            defaults=sum(measured) / len(measured) if measured else None,
            unused=leftover(self.case, known[0]) if self.case.settings.through == "petsc" else [],
            effects=ranked(self.case.space, trials, noise),
            trials=trials,
            calls=self.calls + len(known),
        )

    def solve(self, instance: Instance, settings: Settings, limit: float | None) -> Outcome:
        self.calls += 1
        self.progress("runs", self.calls, self.total)
        return self.solver.solve(instance, settings, Budget(seconds=limit))

    def ratio(self, instance: Instance, settings: Settings) -> tuple[float | None, str]:
        """Log of the ratio to the program's own settings; None and why if the run failed."""
        limit = max(_PATIENCE * self.seconds[instance.id], 0.2)
        outcome = self.solve(instance, settings, limit)
        if not outcome.ok:
            return None, outcome.message
        quantity = self.cost.quantity(outcome, instance)
        return math.log(quantity / self.reference[instance.id]), ""


def one_at_a_time(space: Space) -> Iterator[tuple[str, Settings]]:
    """Yield each setting moved to its other values, or its bounds and two points between.

    A conditional setting is moved under the first value of its parent that admits it.
    """
    for setting in space.settings:
        base = _admitting(space, setting)
        for value in _values(setting):
            if value != setting.preset:
                yield setting.name, space.complete({**base, setting.name: value})


def _admitting(space: Space, setting: Setting) -> dict[str, Value]:
    base: dict[str, Value] = {}
    for parent, values in setting.when.items():
        default = space[parent].preset
        base = {
            **_admitting(space, space[parent]),
            parent: default if default in values else values[0],
        }
    return base


def _values(setting: Setting) -> list[Value]:
    if isinstance(setting, (Choice, Flag)):
        return list(setting.values)
    import numpy as np

    return list(dict.fromkeys(setting.read(np.array([z])) for z in (-1.0, -1 / 3, 1 / 3, 1.0)))


def ranked(space: Space, trials: Sequence[Trial], noise: float) -> list[Effect]:
    """Effects of the settings, the largest first."""
    effects = []
    for setting in space.settings:
        mine = [trial for trial in trials if trial.setting == setting.name]
        if mine:
            effects.append(_effect(setting, mine, noise))
    return sorted(effects, key=lambda effect: (-effect.matters, -effect.spread))


def _effect(setting: Setting, mine: Sequence[Trial], noise: float) -> Effect:
    spread, means = 0.0, dict[Value, float]([(setting.preset, 0.0)])
    for name in {trial.instance for trial in mine}:
        found = [t.log_ratio for t in mine if t.instance == name and t.log_ratio is not None]
        # A conditional setting has its default under another parent: compare its trials alone.
        base = [] if setting.when else [0.0]
        if found:
            spread = max(spread, max(found + base) - min(found + base))
    for value in {trial.value for trial in mine}:
        tried = [t.log_ratio for t in mine if t.value == value]
        found = [ratio for ratio in tried if ratio is not None]
        if len(found) == len(tried):
            means[value] = sum(found) / len(found)
    best = min(means, key=lambda value: means[value])
    failures = sum(trial.log_ratio is None for trial in mine)
    matters = spread > max(_NOISES * noise, _LEAST) or failures > 0
    gain = math.exp(-means[best])
    return Effect(setting.name, spread, best, gain, failures, len(mine), matters)
