"""Solvers are called thousands of times in one process: what one call leaves behind adds up."""

import gc

import pytest

from metasolve.farm import Request, SerialFarm
from metasolve.farm.worker import resident_bytes
from metasolve.solve.solver import Budget

MENU = [
    {"ksp_type": "gmres", "pc_type": "sor", "pc_sor_omega": 1.2},
    {"ksp_type": "bcgs", "pc_type": "ilu"},
    {"ksp_type": "gmres", "pc_type": "jacobi"},
    {"ksp_type": "gmres", "pc_type": "gamg"},
]


@pytest.mark.slow
def test_ten_thousand_evaluations_take_at_most_20_mb(recorded):
    replay = pytest.importorskip("metasolve.petsc.replay")
    farm = SerialFarm(replay.Replay())
    requests = [
        Request(instance, settings, Budget(seconds=10.0, iterations=200))
        for instance in recorded
        for settings in [*MENU, {}, {"ksp_type": "gmres", "pc_type": "nonsense"}]
    ]

    def work(count):
        for _ in range(0, count, len(requests)):
            farm.evaluate(requests)
        gc.collect()
        return resident_bytes()

    before = work(100)
    assert work(10_000) - before <= 20e6
    farm.close()
