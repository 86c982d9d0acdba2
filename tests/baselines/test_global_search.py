"""The baseline to beat is searched for fairly, and once."""

import json

import pytest

from metasolve.baselines.global_search import GlobalSearch, cached, suggest
from metasolve.errors import UsageError
from metasolve.solve.cost import Cost
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Budget
from metasolve.space import Choice, Flag, Integer, Real, Space

SPACE = Space(
    (
        Choice("pc", ("sor", "jacobi"), default="jacobi"),
        Real("omega", 0.2, 1.8, default=1.0, when={"pc": ("sor",)}),
        Integer("levels", 0, 4),
        Flag("square"),
    )
)


class Counting:
    """Seconds in closed form; "sor" is best at omega 1.4, "jacobi" never good."""

    def __init__(self):
        self.asked = []

    def solve(self, instance, settings, budget):
        self.asked.append((instance.id, dict(settings), budget))
        if not settings:
            seconds = 1.0
        elif settings["pc"] == "jacobi":
            seconds = 2.0
        else:
            seconds = 0.3 + (settings["omega"] - 1.4) ** 2 + 0.01 * settings["levels"]
        return Outcome(Reason.CONVERGED, 10, 10.0, 1e-6, 0.0, seconds)


def instances(count=4):
    return [Instance(f"i{i}", {"x": float(i)}) for i in range(count)]


@pytest.mark.parametrize("calls", [5, 23, 100])
def test_calls_are_counted_honestly(calls):
    solver = Counting()
    found = GlobalSearch(SPACE, solver, instances(), calls).run()
    assert found.calls == len(solver.asked)
    # The first trial may finish, so that there is a setting at all; an instance costs its default.
    assert found.calls <= max(calls + 1, 8)
    assert found.seconds == pytest.approx(sum(seconds_of(each) for each in solver.asked))


def seconds_of(asked):
    return Counting().solve(Instance(asked[0], {}), asked[1], asked[2]).solve_seconds


def test_the_programs_own_settings_are_asked_for_once_per_instance():
    solver = Counting()
    GlobalSearch(SPACE, solver, instances(), 60).run()
    defaults = [name for name, settings, _ in solver.asked if not settings]
    assert sorted(defaults) == ["i0", "i1", "i2", "i3"]
    assert all(budget == Budget() for _, settings, budget in solver.asked if not settings)
    assert all(budget.seconds for _, settings, budget in solver.asked if settings)


def test_the_best_complete_trial_wins():
    solver = Counting()
    found = GlobalSearch(SPACE, solver, instances(), 200).run()
    tried = {}
    for name, settings, _ in solver.asked:
        if settings:
            tried.setdefault(json.dumps(settings, sort_keys=True), {})[name] = seconds_of(
                (name, settings, None)
            )
    complete = {key: sum(by.values()) for key, by in tried.items() if len(by) == 4}
    assert json.dumps(found.settings, sort_keys=True) == min(complete, key=complete.get)
    assert found.settings["pc"] == "sor"
    seconds = seconds_of(("i0", found.settings, None))
    outcome = Outcome(Reason.CONVERGED, 10, 10.0, 1e-6, 0.0, seconds)
    assert found.cost == pytest.approx(Cost("seconds")(outcome, instances()[0], 1.0))


def test_the_same_seed_finds_the_same():
    first, again, other = (
        GlobalSearch(SPACE, Counting(), instances(), 60, seed).run() for seed in (1, 1, 2)
    )
    assert first == again
    assert first.settings != other.settings


def test_without_instances_there_is_nothing_to_tune_on():
    with pytest.raises(UsageError, match="--no-global"):
        GlobalSearch(SPACE, Counting(), [], 10)


def test_what_was_found_is_kept(tmp_path):
    path, solver = tmp_path / "baselines" / "global.json", Counting()
    first = cached(GlobalSearch(SPACE, solver, instances(), 40), path)
    spent = len(solver.asked)
    assert cached(GlobalSearch(SPACE, solver, instances(), 40), path) == first
    assert len(solver.asked) == spent


def test_suggestions_are_settings_of_the_space():
    optuna = pytest.importorskip("optuna")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    for _ in range(40):
        settings = suggest(SPACE, study.ask())
        assert SPACE.to_settings(SPACE.to_vector(settings)) == settings
