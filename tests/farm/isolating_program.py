"""Run by test_isolated.py, alone or under mpiexec: asks a worker; then dies with it at work."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from farm_solvers import Misbehaving

from metasolve.farm import IsolatedSolver
from metasolve.instance import Instance


def main(how):
    ask = IsolatedSolver(Misbehaving)
    outcome = ask.solve(Instance("0", {}), {"do": "parallel"})
    assert outcome.ok, outcome
    sys.stdout.write(f"{outcome.message}\n")
    sys.stdout.flush()
    if how == "hang":
        ask.solve(Instance("0", {}), {"do": "hang"})
    ask.close()


if __name__ == "__main__":
    if sys.argv[1] == "mpi":
        from mpi4py import MPI  # noqa: F401 (now this is a rank)
    main(sys.argv[1])
