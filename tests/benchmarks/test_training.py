"""Benchmark ``training``: equal calls, one judge, and nothing measured twice."""

import json

import numpy as np
import pytest

from benchmarks import training
from benchmarks.searches import amortised, evolved
from benchmarks.training import Comparison, claims, run
from metasolve.errors import UsageError
from metasolve.farm import SerialFarm
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.space import Real, Space
from metasolve.train.task import Task

SPACE = Space((Real("a", 0.0, 1.0, default=0.0), Real("b", 0.0, 1.0, default=0.0)))
CALLS = 120


class Valley:
    """Log iterations are quadratic about a point that follows the feature on a line."""

    def solve(self, instance, settings, budget):
        x = instance.features["x"]
        best = np.array([x, 1.0 - x])
        z = np.array([settings.get(name, 0.0) for name in ("a", "b")])
        iterations = float(100.0 * np.exp(np.sum((z - best) ** 2) - 1.0))
        return Outcome(Reason.CONVERGED, int(iterations), iterations, 1e-9, 0.0, 1e-3)


def instances(count, seed):
    xs = np.random.default_rng(seed).uniform(0.0, 1.0, count)
    return [Instance(f"{seed}-{i}", {"x": float(x)}) for i, x in enumerate(xs)]


@pytest.fixture
def comparison(tmp_path):
    task = Task(instances(24, 0), SPACE)
    return Comparison(task, instances(6, 1), SerialFarm(Valley()), tmp_path / "out", CALLS)


def test_cma_es_finds_the_best_constant_and_amortised_search_the_rule(comparison):
    evaluator = comparison.evaluator(comparison.task.instances, 4 * CALLS)
    constant = evolved(evaluator, SPACE, 0)
    assert evaluator.calls <= 4 * CALLS
    middle = np.mean([each.features["x"] for each in comparison.task.instances])
    assert constant["a"] == pytest.approx(middle, abs=0.15)
    evaluator = comparison.evaluator(comparison.task.instances, 8 * CALLS)
    rule = amortised(evaluator, SPACE, 0)["linear"]
    assert evaluator.calls <= 8 * CALLS
    for each in comparison.unseen:
        assert rule(each)["a"] == pytest.approx(each.features["x"], abs=0.25)


def test_contenders_have_equal_calls_and_what_is_finished_is_kept(
    comparison, hasty, monkeypatch, tmp_path
):
    monkeypatch.setattr(training, "FIXED", {"projected": ("projected", "surrogate")})
    first = run(comparison, [0])
    rows = first.result.sections[0].rows
    assert {row["contender"] for row in rows} > {"auto", "projected", "CMA-ES global"}
    # The search by Optuna ends with the trial under way.
    assert all(0.6 * CALLS <= row["calls"] <= CALLS + 24 for row in rows)
    assert all(row["failed"] == 0 for row in rows)
    first.plot(tmp_path / "t.png")
    assert (tmp_path / "t.png").stat().st_size > 10_000
    called = comparison.farm.calls
    again = run(comparison, [0])
    assert comparison.farm.calls == called
    assert json.dumps(again.result.document()) == json.dumps(first.result.document())
    other = Comparison(
        comparison.task, comparison.unseen, comparison.farm, comparison.out, 2 * CALLS
    )
    with pytest.raises(UsageError, match="--out another directory"):
        run(other, [0])


def test_claims_compare_geometric_means():
    names = ("auto", *training.FIXED, "CMA-ES global", "Optuna global", "amortised, nearest")
    found = {name: [{"costs": [0.0, 0.0]}, {"costs": [0.0, 0.0]}] for name in names}
    found["auto"] = [{"costs": [-0.4, 0.0]}, {"costs": [0.0, 0.0]}]
    told = {row["ratio"]: row for row in claims(found)}
    assert told["auto / CMA-ES global"]["found"] == pytest.approx(np.exp(0.1))
    assert told["auto / CMA-ES global"]["holds"]
    assert not told["best learned / CMA-ES global"]["at least"] > 1.1
