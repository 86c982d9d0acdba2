"""Laws of farms: order kept, calls counted, errors contained, the same list on every rank."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from metasolve.farm import Request, SerialFarm
from metasolve.instance import Instance
from metasolve.outcome import Outcome, Reason

PROGRAM = Path(__file__).with_name("group_program.py")


class Doubling:
    """Answers with twice its setting; raises on 13."""

    def solve(self, _instance, settings, _budget):
        if settings["x"] == 13:
            raise ValueError("unlucky")
        return Outcome(Reason.CONVERGED, 1, 1.0, 0.0, 0.0, 2.0 * settings["x"])


def requests(count):
    return [Request(Instance(f"i{x}", {}), {"x": x}) for x in range(count)]


def test_outcomes_keep_the_order_and_calls_are_counted():
    farm = SerialFarm(Doubling())
    assert [each.solve_seconds for each in farm.evaluate(requests(4))] == [0, 2, 4, 6]
    farm.evaluate(requests(2))
    assert (farm.calls, farm.size, farm.evaluate([])) == (6, 1, [])


def test_an_error_is_an_outcome_and_the_others_go_on():
    outcomes = SerialFarm(Doubling()).evaluate(requests(15))
    assert outcomes[13].reason is Reason.ERROR
    assert outcomes[13].message == "ValueError: unlucky"
    assert [each.ok for each in outcomes].count(True) == 14


@pytest.mark.parametrize(("ranks", "per_solve"), [(1, 1), (2, 1), (2, 2), (4, 1), (4, 2)])
def test_groups_agree_with_the_serial_farm_on_every_rank(ranks, per_solve):
    pytest.importorskip("mpi4py")
    if shutil.which("mpiexec") is None:
        pytest.skip("mpiexec is not installed")
    done = launch(ranks, per_solve)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["agreed"] * ranks


def test_groups_that_do_not_divide_the_ranks_are_refused():
    pytest.importorskip("mpi4py")
    if shutil.which("mpiexec") is None:
        pytest.skip("mpiexec is not installed")
    done = launch(1, 2)
    assert done.returncode != 0
    assert "ranks_per_solve=2 does not divide 1 ranks" in done.stderr


def launch(ranks, per_solve):
    openmpi = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = ["mpiexec", "-n", str(ranks), sys.executable, str(PROGRAM), str(per_solve)]
    return subprocess.run(
        command,
        env={**os.environ, **openmpi},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
