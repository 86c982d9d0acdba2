"""Run by test_cautious.py under mpiexec: a farm on which request 5 ends the job. Argument: folder.

Appends to ``begun`` in the folder what each run begins, and writes ``reasons.json`` at the end.
"""

import json
import os
import signal
import sys
from pathlib import Path

from mpi4py import MPI

from metasolve.farm import Request
from metasolve.farm.cautious import CautiousFarm
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason


class Deadly:
    """All ranks of the group meet; on 5 they are killed."""

    def __init__(self, comm, folder):
        self.comm, self.folder = comm, folder

    def solve(self, _instance, settings, _budget):
        x = settings["x"]
        if self.comm.rank == 0:
            with (self.folder / "begun").open("a") as file:
                file.write(f"{x}\n")
        self.comm.Barrier()
        if x == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return Outcome(Reason.CONVERGED, x, float(x), 1e-9, 0.0, 0.0)


def main():
    folder = Path(sys.argv[1])
    farm = CautiousFarm(lambda group: Deadly(group, folder), MPI.COMM_WORLD, 1, folder)
    outcomes = farm.evaluate([Request(Instance("i", {}), {"x": x}) for x in range(8)])
    farm.close()
    if MPI.COMM_WORLD.rank == 0:
        (folder / "reasons.json").write_text(json.dumps([each.reason.name for each in outcomes]))


if __name__ == "__main__":
    main()
