"""Training on sequences: a setting is worth what it takes where its set-up is kept."""

from dataclasses import replace

import numpy as np
import pytest

from metasolve.farm import SerialFarm
from metasolve.solve.instance import Drift, Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.space import Choice, Space
from metasolve.train import TrainConfig
from metasolve.train.session import train_task
from metasolve.train.task import Task

SPACE = Space((Choice("pc_type", ("jacobi", "lu")),))
TAKES = {"jacobi": (40, 0.0, 0.8), "lu": (1, 1.2, 0.05)}  #: iterations, set-up, solve


class Host:
    """A factor takes longer than iterations do, unless it is kept; the program takes a second."""

    def solve(self, _, settings, budget):
        iterations, setup, solve = TAKES[settings["pc_type"]] if settings else (50, 0.0, 1.0)
        assert budget.seconds is None or setup + solve < budget.seconds
        return Outcome(Reason.CONVERGED, iterations, float(iterations), 1e-6, setup, solve)


@pytest.mark.parametrize(
    ("drift", "best"),
    [
        (None, "jacobi"),
        (Drift(0.01, 40), "lu"),
        (Drift(0.01, 1), "jacobi"),
        (Drift(3.0, 40), "jacobi"),
    ],
    ids=["single solves", "slow", "one operator", "fast"],
)
def test_what_is_best_where_it_is_kept_is_chosen(drift, best, tmp_path):
    rng = np.random.default_rng(0)
    features = [{"log_rows": float(n), "ranks": 1.0} for n in rng.uniform(3, 5, 12)]
    instances = [Instance(str(n), each) for n, each in enumerate(features)]
    task = Task([replace(each, drift=drift) for each in instances], SPACE)
    config = TrainConfig(calls=64, seed=1, prior="none")
    model = train_task(task, SerialFarm(Host()), tmp_path / "model", config)
    assert {model.settings(each)["pc_type"] for each in features} == {best}
