"""Measuring one family at one tolerance with one seed, for benchmark ``families``."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from metasolve.bench.family_guesses import Learned, Plan, learn
from metasolve.bench.result import Report, silent
from metasolve.solver import Budget, Solver

if TYPE_CHECKING:
    from metasolve.family import Family
    from metasolve.instance import Instance
    from metasolve.outcome import Outcome
    from metasolve.petsc.replay import Replay
    from metasolve.petsc.snapshots import Snapshots

ZERO, GLOBAL, OURS, BOTH = "zero guess", "best global", "ours", "ours + best global"
KSP_GUESSES = ("fischer", "pod")
_TUNED_ON = 8
_VALIDATIONS = 2
_STREAMS = {"train": 0, "validate": 1, "test": 2}
_LEAST_SAVING = 1e-12


@dataclass(frozen=True)
class Amounts:
    """How much is drawn and measured.

    Attributes
    ----------
    train, validate, test : instances; those of the test are unseen.
    repeats : solves of each test instance by each contender; medians count.
    search : solver calls of the search for the best global setting.
    """

    train: int = 160
    validate: int = 8
    test: int = 24
    repeats: int = 3
    search: int = 160


@dataclass(frozen=True)
class Contender:
    """Something that solves, and what getting it took.

    Attributes
    ----------
    name, what : its row of the table, and what it is.
    solver : None for what can only solve a sequence.
    settings : to solve under; the application's own where empty.
    seconds, calls : of solving, learning and selecting until it was there.
    """

    name: str
    what: str
    solver: Solver | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    calls: int = 0


@dataclass(frozen=True)
class Score:
    """One contender on all test instances.

    Attributes
    ----------
    seconds : (instances,), guess, set-up and solve, medians of the repeats.
    iterations : (instances,), whole ones.
    failures : instances without an answer within the tolerance.
    """

    contender: Contender
    seconds: np.ndarray
    iterations: np.ndarray
    failures: int


def measure(
    family: Family,
    tolerances: Sequence[float],
    size: str,
    seed: int,
    plan: Plan,
    amounts: Amounts,
    report: Report = silent,
) -> list[list[Score]]:
    """Learn, tune and select on training and validation instances, then measure on unseen ones.

    Solutions serve all tolerances, and so does what was learned from them unless the solver's cost
    at the tolerance was part of it. Returns the scores at each tolerance.
    """
    from metasolve.petsc.replay import Replay
    from metasolve.petsc.snapshots import snapshots

    replay, scores, learned = Replay(space=family.space), [], None
    draws = [_Draw(family, rtol, size, seed) for rtol in tolerances]
    name = f"{family.name}, seed {seed}: solutions"
    data = snapshots(
        draws[0]("train", amounts.train), report=lambda n: report(name, n, amounts.train)
    )
    for draw in draws:
        data = replace(data, instances=draw("train", amounts.train))
        if learned is None or plan.calls:
            began = time.perf_counter()
            learned = list(learn(data, plan, replay, seed))
            seconds = data.seconds + time.perf_counter() - began
        found = _contenders(draw, data, learned, seconds, replay, amounts)
        test = draw("test", amounts.test)
        raced = _race(found, test, amounts.repeats, report)
        scores.append(raced + _sequences(test, amounts.repeats))
    replay.destroy()
    return scores


@dataclass(frozen=True)
class _Draw:
    family: Family
    rtol: float
    size: str
    seed: int

    def __call__(self, stream: str, count: int) -> list[Instance]:
        seed = (self.seed, _STREAMS[stream])
        return self.family.instances(count, seed, self.rtol, self.size)


def _contenders(
    draw: _Draw,
    data: Snapshots,
    learned: Sequence[Learned],
    spent: float,
    replay: Replay,
    amounts: Amounts,
) -> list[Contender]:
    """All rows of the table but the last; `spent` seconds went into solutions and learning."""
    from metasolve.petsc.guessed import Guessed

    train = data.instances
    offered = [
        Contender(
            each.kind,
            each.name,
            Guessed(replay, each.guess),
            seconds=data.seconds + each.seconds,
            calls=len(train) + each.calls,
        )
        for each in learned
    ]
    validation, began = draw("validate", amounts.validate), time.perf_counter()
    took = _validate(offered, validation)
    everything = spent + time.perf_counter() - began
    validated = _VALIDATIONS * len(offered) * len(validation)
    calls = len(train) + sum(each.calls for each in learned) + validated
    zero = Contender(ZERO, "", Guessed(replay))
    tuned = _tuned(draw, train[:_TUNED_ON], zero.solver, amounts.search)
    best = min(zip(took, offered, strict=True), key=lambda pair: pair[0])[1]
    ours = Contender(OURS, f"{best.name}, {best.what}", best.solver, {}, everything, calls)
    both = Contender(
        BOTH,
        ours.what,
        best.solver,
        tuned.settings,
        everything + tuned.seconds,
        calls + tuned.calls,
    )
    return [zero, tuned, *_best_of_each(took, offered), ours, both]


def _validate(offered: Sequence[Contender], validation: Sequence[Instance]) -> list[float]:
    """Total seconds of each; infinite where it fails. The second solve counts: caches are warm."""
    totals = []
    for contender in offered:
        outcomes = [_solved(contender, i) for i in validation for _ in range(_VALIDATIONS)]
        outcomes = outcomes[_VALIDATIONS - 1 :: _VALIDATIONS]
        spent = sum(_seconds(outcome) for outcome in outcomes)
        totals.append(spent if all(outcome.ok for outcome in outcomes) else math.inf)
    return totals


def _best_of_each(took: Sequence[float], offered: Sequence[Contender]) -> list[Contender]:
    """Of each kind of guess the one that was fastest on validation."""
    kinds = dict.fromkeys(each.name for each in offered)
    pairs = list(zip(took, offered, strict=True))
    return [
        min((pair for pair in pairs if pair[1].name == kind), key=lambda pair: pair[0])[1]
        for kind in kinds
    ]


def _tuned(draw: _Draw, train: Sequence[Instance], solver: Solver, calls: int) -> Contender:
    from metasolve.report.global_search import GlobalSearch

    found = GlobalSearch(draw.family.space, solver, train, calls, draw.seed).run()
    what = ", ".join(f"{key}={_short(value)}" for key, value in found.settings.items())
    return Contender(GLOBAL, what, solver, found.settings, found.seconds, found.calls)


def _race(
    contenders: Sequence[Contender], test: Sequence[Instance], repeats: int, report: Report
) -> list[Score]:
    """Solve every instance with every contender in turn, each time in a new order."""
    count = len(contenders)
    seconds, rng = np.empty((count, len(test), repeats)), np.random.default_rng(0)
    last: dict[tuple[int, int], Outcome] = {}
    for column, instance in enumerate(test):
        for repeat in range(repeats):
            for row in rng.permutation(count):
                outcome = _solved(contenders[row], instance)
                seconds[row, column, repeat] = _seconds(outcome)
                last[row, column] = outcome
        report("unseen instances", column + 1, len(test))
    medians = np.median(seconds, axis=-1)
    scores = []
    for row, contender in enumerate(contenders):
        outcomes = [last[row, column] for column in range(len(test))]
        scores.append(_score(contender, medians[row], outcomes))
    return scores


def _sequences(test: Sequence[Instance], repeats: int) -> list[Score]:
    """PETSc's own guesses, where the operator is constant; they learn while the test runs."""
    from metasolve.errors import UsageError
    from metasolve.petsc.sequence import solve_in_sequence

    scores = []
    for kind in KSP_GUESSES:
        contender = Contender(f"KSPGuess {kind}", "set up once", None)
        try:
            runs = [solve_in_sequence(test, {"ksp_guess_type": kind}) for _ in range(repeats)]
        except UsageError:
            return []
        seconds = np.median([[_seconds(each) for each in run] for run in runs], axis=0)
        scores.append(_score(contender, seconds, runs[-1]))
    return scores


def _solved(contender: Contender, instance: Instance) -> Outcome:
    return contender.solver.solve(instance, contender.settings, Budget())


def _score(contender: Contender, seconds: np.ndarray, outcomes: Sequence[Outcome]) -> Score:
    iterations = np.array([outcome.iterations for outcome in outcomes], dtype=float)
    return Score(contender, seconds, iterations, sum(not outcome.ok for outcome in outcomes))


def _seconds(outcome: Outcome) -> float:
    return outcome.setup_seconds + outcome.solve_seconds


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def break_even(score: Score, zero: Score) -> float:
    """Solves after which what a contender saves has paid for getting it; infinite for never."""
    saved = float(np.mean(zero.seconds) - np.mean(score.seconds))
    return score.contender.seconds / saved if saved > _LEAST_SAVING else math.inf
