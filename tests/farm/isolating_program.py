"""Run by test_isolated.py, alone or under mpiexec: asks a worker; then dies with it at work.

Or, with "petsc", loads PETSc itself and asks a worker that is gone.
"""

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from farm_solvers import Misbehaving

from metasolve.farm import IsolatedSolver
from metasolve.solve.instance import Instance


def main(how):
    ask = IsolatedSolver(Misbehaving)
    outcome = ask.solve(Instance("0", {}), {"do": "parallel"})
    assert outcome.ok, outcome
    sys.stdout.write(f"{outcome.message}\n")
    sys.stdout.flush()
    if how == "petsc":
        worker = int(outcome.message)
        os.kill(worker, signal.SIGKILL)
        while "State:\tZ" not in Path(f"/proc/{worker}/status").read_text():
            time.sleep(1e-3)
        assert ask.solve(Instance("0", {}), {"do": "answer"}).ok
    if how == "hang":
        ask.solve(Instance("0", {}), {"do": "hang"})
    ask.close()


if __name__ == "__main__":
    if sys.argv[1] == "mpi":
        from mpi4py import MPI  # noqa: F401 (now this is a rank)
    if sys.argv[1] == "petsc":
        from petsc4py import PETSc  # noqa: F401 (now its signal handlers are set)
    main(sys.argv[1])
