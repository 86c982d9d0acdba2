"""Laws of the group farm, on 1, 2 and 4 ranks, which need not have a core each."""

import shutil
import sys
from pathlib import Path

import pytest

from metasolve.farm import under_way
from metasolve.farm.schedule import longest_first

PROGRAM = Path(__file__).with_name("group_program.py")
LAYOUTS = [(1, 1), (2, 1), (2, 2), (4, 1), (4, 2)]
LAWS = ["agree", "count_bytes", "pull", "stop", "stop_between", "note"]


@pytest.fixture
def launch(run_program, tmp_path):
    pytest.importorskip("mpi4py")
    if shutil.which("mpiexec") is None:
        pytest.skip("mpiexec is not installed")

    def start(laws, ranks, per_solve):
        words = [sys.executable, PROGRAM, *laws, per_solve, tmp_path]
        return run_program(words, ranks=ranks)

    return start


@pytest.mark.parametrize(("ranks", "per_solve"), LAYOUTS)
def test_every_rank_finds_the_laws_kept(launch, ranks, per_solve):
    laws = [*LAWS, *(["disagree"] if ranks > 1 else []), *(["isolate"] if per_solve == 1 else [])]
    done = launch(laws, ranks, per_solve)
    assert done.returncode == 0, done.stderr
    told = [line.split()[0] for line in done.stdout.splitlines()]
    assert sorted(told) == sorted(laws * ranks)


def test_groups_that_do_not_divide_the_ranks_are_refused(launch):
    done = launch(["agree"], 1, 2)
    assert done.returncode != 0
    assert "ranks_per_solve=2 does not divide 1 ranks" in done.stderr


@pytest.mark.parametrize(("ranks", "per_solve"), [(2, 2), (4, 2)])
def test_a_group_that_hangs_ends_the_job_and_says_of_what(launch, tmp_path, ranks, per_solve):
    done = launch(["hang"], ranks, per_solve)
    assert done.returncode != 0
    told = [line for line in done.stderr.splitlines() if line.startswith("metasolve: ")]
    assert len(told) == 1, done.stderr
    assert "instance 3 under {'x': 3} did not come back within 0.6 s" in told[0]
    assert "Run the same command again to go on" in told[0]
    assert {"instance": "3", "settings": {"x": 3}} in under_way(tmp_path)


def test_the_longest_goes_first_and_equal_ones_stay_in_order():
    assert longest_first([1.0, 3.0, 2.0, 3.0, 0.0, 1.0]) == [1, 3, 2, 0, 5, 4]
    assert longest_first([]) == []
