"""Measuring one family of systems at one tolerance with one seed, for benchmark ``families``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.family_guesses import Learned, Plan, learn
from benchmarks.family_model import Draw, Produced, produce
from benchmarks.family_score import (
    AS_IS,
    GLOBAL,
    HAND,
    KSP_GUESSES,
    NEAREST,
    OURS,
    PREVIOUS,
    ZERO,
    Amounts,
    Score,
)
from metasolve.report.result import Report, silent

if TYPE_CHECKING:
    from metasolve.baselines.contenders import Measurements, Solve
    from metasolve.baselines.global_search import GlobalSetting
    from metasolve.family import Family
    from metasolve.petsc.guessed import Guessed
    from metasolve.petsc.replay import Replay
    from metasolve.petsc.snapshots import Snapshots
    from metasolve.solve.instance import Instance
    from metasolve.solve.outcome import Outcome
    from metasolve.solve.solver import Value

_VALIDATED = 8  # instances of training on which a guess of each kind is chosen


@dataclass(frozen=True)
class _Contender:
    name: str
    what: str
    solve: Solve
    calls: int = 0
    seconds: float = 0.0


def measure(
    family: Family,
    case: Path,
    rtol: float,
    size: str,
    seed: int,
    plan: Plan,
    amounts: Amounts,
    report: Report = silent,
) -> list[Score]:
    """Learn and tune on training instances, then measure on unseen ones."""
    from metasolve.petsc.replay import Replay

    draw = Draw(family, rtol, size, seed)
    with TemporaryDirectory() as folder:
        counts = amounts.train, amounts.test
        produced = produce(draw, case, counts, amounts.calls, Path(folder), report)
        found = _tuned(produced, seed, report)
        test, replay = draw("test", amounts.test), Replay(space=produced.model.space)
        rivals = [*_own(replay), *_selected(produced, found, test, replay)]
        options = produced.model.space.options(found.settings)
        rivals += _guessed(draw, plan, amounts.train, options, replay, report)
        rivals += _previous(test, options, replay)
        scores = _raced(rivals, test, amounts.repeats, report)
        replay.destroy()
    return scores + _sequences(test, amounts.repeats)


def _tuned(produced: Produced, seed: int, report: Report) -> GlobalSetting:
    from metasolve.baselines.global_search import GlobalSearch
    from metasolve.recorded.training import isolated
    from metasolve.solve.cost import Cost

    model, calls = produced.model, produced.calls
    solver = isolated(model.space)
    cost = Cost(model.info["measure"], model.info["cap"])
    known = set(model.info["trained_on"])
    seen = [each for each in produced.train if each.id in known]
    search = GlobalSearch(
        model.space, solver, seen, calls, seed, cost, lambda n: report("best global", n, calls)
    )
    found = search.run()
    solver.close()
    return found


def _own(replay: Replay) -> list[_Contender]:
    from metasolve.recorded import contenders

    return [
        _Contender(ZERO, "to the true residual", contenders.default_to_equal_residual(replay)),
        _Contender(AS_IS, "", contenders.default(replay)),
    ]


def _told(settings: Mapping[str, Mapping[str, Value]]) -> Callable[[Instance], Mapping[str, Value]]:
    """The rule that looks settings up by an instance's name."""
    return lambda instance: settings[instance.id]


def _selected(
    produced: Produced, found: GlobalSetting, test: Sequence[Instance], replay: Replay
) -> Iterator[_Contender]:
    """Settings by search, by rule, by neighbours, and the model with its guess."""
    from metasolve.baselines.contenders import chosen, constant
    from metasolve.baselines.hand_rule import hand_rule
    from metasolve.baselines.nearest import Nearest
    from metasolve.petsc.replay import Replay
    from metasolve.recorded import contenders
    from metasolve.train.events import read_events
    from metasolve.train.past import EVENTS

    model = produced.model
    what = ", ".join(f"{key}={_short(value)}" for key, value in found.settings.items())
    solve = constant(replay, found.settings)
    yield _Contender(GLOBAL, what, solve, found.calls, found.seconds)
    twins = {each.id: twin for each, twin in zip(test, produced.unseen, strict=True)}
    near = Nearest(model, produced.train, read_events(produced.directory / EVENTS))
    rules: Mapping[str, tuple[Replay, Callable[[Instance], Mapping[str, Value]]]] = {
        HAND: (Replay(), hand_rule),
        NEAREST: (replay, near),
    }
    for name, (solver, rule) in rules.items():
        rated = {each: rule(twin) for each, twin in twins.items()}
        spent = (produced.calls, produced.seconds) if name == NEAREST else (0, 0.0)
        solve = chosen(solver, _told(rated))
        yield _Contender(name, "", solve, *spent)
    solve = contenders.plugin(replay, produced.directory)
    yield _Contender(OURS, produced.what, solve, produced.calls, produced.seconds)


def _guessed(
    draw: Draw,
    plan: Plan,
    count: int,
    entries: Mapping[str, str],
    replay: Replay,
    report: Report,
) -> list[_Contender]:
    """Of each kind of guess the one that is fastest on some of the training instances.

    All under the application's own settings, to the true residual. None where systems differ in
    size. `count` instances are learned from, solved under PETSc options that find solutions fast.
    """
    from metasolve.petsc.guessed import Guessed
    from metasolve.petsc.snapshots import snapshots

    instances = draw("train", count)
    if not _of_one_size(instances[:_VALIDATED]):
        return []
    data = snapshots(
        instances[_VALIDATED:],
        entries=entries,
        report=lambda n: report("solutions", n, count - _VALIDATED),
    )
    best: dict[str, tuple[float, _Contender]] = {}
    for each in learn(data, plan, replay, draw.seed):
        guessed = Guessed(replay, each.guess)
        took = _validated(guessed, instances[:_VALIDATED])
        if took < best.get(each.kind, (math.inf,))[0]:
            best[each.kind] = took, _of_kind(each, guessed, data)
    return [contender for _, contender in best.values()]


def _of_one_size(instances: Sequence[Instance]) -> bool:
    return len({each.payload.assemble()[1].size for each in instances}) == 1


def _previous(
    test: Sequence[Instance], entries: Mapping[str, str], replay: Replay
) -> list[_Contender]:
    """From the solution of the instance before, under the application's own settings.

    The first starts from zero.
    """
    from metasolve.guess.guess import start
    from metasolve.petsc.guessed import Guessed
    from metasolve.petsc.snapshots import snapshots

    if not _of_one_size(test):
        return []
    known = snapshots(test, entries=entries).solutions
    starts = [None, *(lambda A, b, _, x=x: start(A, b, x) for x in known[:-1])]
    solvers = {i.id: Guessed(replay, guess) for i, guess in zip(test, starts, strict=True)}
    return [_Contender(PREVIOUS, "", lambda i: (solvers[i.id].solve(i, {}), {}))]


def _validated(guessed: Guessed, instances: Sequence[Instance]) -> float:
    """Total seconds; infinite where it fails. The second solve counts: caches are warm."""
    outcomes = [[guessed.solve(each, {}) for _ in range(2)][1] for each in instances]
    spent = sum(each.setup_seconds + each.solve_seconds for each in outcomes)
    return spent if all(each.ok for each in outcomes) else math.inf


def _of_kind(learned: Learned, guessed: Guessed, data: Snapshots) -> _Contender:
    def solve(instance: Instance) -> tuple[Outcome, dict[str, Any]]:
        return guessed.solve(instance, {}), {}

    calls, seconds = len(data.instances) + learned.calls, data.seconds + learned.seconds
    return _Contender(learned.kind, learned.name, solve, calls, seconds)


def _raced(
    rivals: Sequence[_Contender], test: Sequence[Instance], repeats: int, report: Report
) -> list[Score]:
    from metasolve.baselines.contenders import measure as interleaved

    done = iter(range(1, len(test) + 1))
    measured = interleaved(
        {each.name: each.solve for each in rivals},
        test,
        repeats,
        lambda: report("unseen instances", next(done), len(test)),
    )
    return [_score(each, [measured[each.name][i.id] for i in test], test) for each in rivals]


def _score(
    contender: _Contender, measured: Sequence[Measurements], test: Sequence[Instance]
) -> Score:
    from metasolve.report.evaluation import ANSWERED

    seconds = [m.seconds(i.setup_share) for m, i in zip(measured, test, strict=True)]
    outcomes = [each.outcome for each in measured]
    as_program = contender.name in (AS_IS, OURS)  # whose own answer the program takes as it is
    accepted = ANSWERED if as_program else ANSWERED[:1]
    failed = [each.reason not in accepted for each in outcomes]
    iterations = [float(each.iterations) for each in outcomes]
    known = contender.calls, contender.seconds
    return Score(contender.name, contender.what, seconds, iterations, failed, *known)


def _sequences(test: Sequence[Instance], repeats: int) -> list[Score]:
    """PETSc's own guesses, where the operator is constant; they learn while the test runs."""
    from metasolve.errors import UsageError
    from metasolve.petsc.sequence import solve_in_sequence

    if not _of_one_size(test):
        return []
    scores = []
    for kind in KSP_GUESSES:
        try:
            runs = [solve_in_sequence(test, {"ksp_guess_type": kind}) for _ in range(repeats)]
        except UsageError:
            return []
        spent = [[each.setup_seconds + each.solve_seconds for each in run] for run in runs]
        iterations = [float(each.iterations) for each in runs[-1]]
        failed = [not each.ok for each in runs[-1]]
        seconds = np.median(spent, axis=0).tolist()
        scores.append(Score(f"KSPGuess {kind}", "set up once", seconds, iterations, failed))
    return scores


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
