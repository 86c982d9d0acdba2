"""Benchmark ``estimators``: what must hold whatever the family, on a smooth one in closed form."""

import itertools
import json

import numpy as np
import pytest

from benchmarks.estimators import plans, run
from benchmarks.gradient_quality import ANYWHERE, POLICY, Workshop, compare
from metasolve.errors import UsageError
from metasolve.farm import SerialFarm
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.space import Choice, Real, Space
from metasolve.train.config import TrainConfig
from metasolve.train.task import Task

SPACE = Space(tuple(Real(f"s{i}", -1.0, 1.0, default=0.0) for i in range(4)))


class Linear:
    """Log iterations linear in the settings; slopes differ from instance to instance."""

    def solve(self, instance, settings, budget):
        x = instance.features["x"]
        slopes = np.array([0.1, -0.05 * x, 0.08, 0.02 * x])
        z = np.array([settings.get(f"s{i}", 0.0) for i in range(4)])
        iterations = float(100.0 * np.exp(slopes @ z))
        return Outcome(Reason.CONVERGED, int(iterations), iterations, 1e-9, 0.0, 1e-3)


def task(space=SPACE):
    rng = np.random.default_rng(0)
    return Task(
        [Instance(f"i{i}", {"x": float(x)}) for i, x in enumerate(rng.uniform(1, 2, 24))], space
    )


@pytest.fixture(scope="module")
def qualities():
    config = TrainConfig(
        calls=120, measure="iterations", estimator="projected", selection_share=1e-6
    )
    workshop = Workshop(task(), SerialFarm(Linear()), config)
    assert workshop.surrogate_calls <= 120
    planned = plans(4)
    found = compare(workshop, ANYWHERE, 8, planned)
    return {
        (p.estimator, p.control_variate, p.tangents): q for p, q in zip(planned, found, strict=True)
    }


def test_the_posterior_is_better_than_the_surrogate_and_gets_better_with_tangents(qualities):
    alone = qualities["none", "surrogate", 0]
    found = [qualities["posterior", "surrogate", k] for k in (1, 2, 4)]
    assert [each.calls for each in found] == [2, 3, 5]
    errors = [alone.error, *(each.error for each in found)]
    assert errors == sorted(errors, reverse=True)
    assert found[-1].cosine > 0.999


def test_as_many_tangents_as_settings_give_the_true_gradient(qualities):
    for key in (("projected", "none", 4), ("mean", "none", 4), ("full", "none", 4)):
        assert qualities[key].cosine == pytest.approx(1.0, abs=1e-3)
        assert qualities[key].batch == pytest.approx(1.0, abs=1e-3)
        assert qualities[key].error < 1e-3


def test_fewer_tangents_have_the_error_of_their_law(qualities):
    for k in (1, 2):
        assert qualities["projected", "none", k].error == pytest.approx(1 - k / 4, abs=0.2)
        assert qualities["unbiased", "none", k].variance == pytest.approx(4 / k - 1, rel=0.5)


def test_measuring_never_takes_a_surrogate_further_from_the_gradient(qualities):
    alone = qualities["none", "surrogate", 0]
    assert alone.calls == 0
    errors = [alone.error, *(qualities["projected", "surrogate", k].error for k in (1, 2, 4))]
    assert all(after <= before + 1e-6 for before, after in itertools.pairwise(errors))


def test_calls_are_those_of_the_estimators(qualities):
    assert qualities["projected", "surrogate", 1].calls == 2
    assert qualities["full", "none", 4].calls == 5
    assert qualities["smoothed", "none", 2].calls == 4


def test_a_table_per_place_and_budget_as_json_and_plot(tmp_path):
    measured = run(task(), SerialFarm(Linear()), [0], points=3, calls=[60])
    measured.plot(tmp_path / "e.png")
    document = json.loads(json.dumps(measured.result.document()))
    assert [title.split(",")[0] for title in document["tables"]] == [POLICY, ANYWHERE]
    assert document["settings"]["calls"] > 60
    assert (tmp_path / "e.png").stat().st_size > 10_000


def test_choices_are_refused():
    space = Space((Choice("pc", ("sor", "jacobi")), *SPACE.settings))
    with pytest.raises(UsageError, match="fix them to one value"):
        Workshop(task(space), SerialFarm(Linear()), TrainConfig(calls=60, measure="iterations"))
