import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("mpicc") is None, reason="the plug-in is compiled")
PROGRAM = Path(__file__).with_name("group_replay.py")


@pytest.mark.parametrize("name", ["time_steps", "elasticity"])
def test_two_ranks_replay_what_two_ranks_did(host, ranks, run_program, venv_python, tmp_path, name):
    pytest.importorskip("mpi4py")
    from metasolve.petsc import launch

    assert launch.record(ranks(host(name), 2), tmp_path) == 0
    done = run_program([venv_python, PROGRAM, tmp_path], ranks=2)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    hosts = [line for line in lines if line[0] == "host"]
    assert hosts
    # Parallel reductions are not associative: a count may shift by one.
    assert all(abs(int(seen) - int(own)) <= 1 for _, seen, own in hosts)
    arms = [line[1] for line in lines if line[0] == "arm"]
    assert arms.count("CONVERGED") > 0.7 * len(arms)
