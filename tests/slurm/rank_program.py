"""Run by test_srun.py as a rank: starts a worker, and programs as black boxes; prints what came.

Argument: "mpi" to be a rank of MPI as well. Without, no MPI is initialised here.
"""

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "farm"))

from farm_solvers import Misbehaving

from metasolve.farm import IsolatedSolver
from metasolve.program.process import run, scratch
from metasolve.program.start import Start
from metasolve.solve.instance import Instance

# One write: what two ranks print must not mix.
SAY = "import os; from mpi4py import MPI; os.write(1, b'%d ' % MPI.COMM_WORLD.size)"
SIZE = [sys.executable, "-c", SAY]
PARALLEL = [shutil.which("mpiexec"), "--oversubscribe", "-n", "2", *SIZE]


def output(words):
    with scratch() as folder:
        done = run(Start(words), folder, 60)
        return done.stdout.split() if done.exit_code == 0 else done.stderr[-500:]


def main():
    if "mpi" in sys.argv:
        from mpi4py import MPI

        sys.stdout.write(f"ranks {MPI.COMM_WORLD.size}\n")
    solver = IsolatedSolver(Misbehaving)
    outcome = solver.solve(Instance("0", {}), {"do": "parallel"})
    solver.close()
    sys.stdout.write(f"worker {outcome.reason.name} {outcome.message if not outcome.ok else ''}\n")
    sys.stdout.write(f"alone {output(SIZE)}\nparallel {output(PARALLEL)}\n")


if __name__ == "__main__":
    main()
