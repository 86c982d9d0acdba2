"""Run by test_farm.py under mpiexec: every rank compares the group farm with the serial one."""

import hashlib
import json
import math
import sys

from mpi4py import MPI

from metasolve.farm import GroupFarm, Request, SerialFarm
from metasolve.instance import Instance
from metasolve.outcome import Outcome, Reason


class Summing:
    """All ranks of the group add up; raises on 5 everywhere and on 7 on the last rank only."""

    def __init__(self, comm):
        self.comm = comm

    def solve(self, _instance, settings, _budget):
        x = settings["x"]
        total = self.comm.allreduce(x / 3.0) / self.comm.size
        if x == 5 or (x == 7 and self.comm.rank == self.comm.size - 1):
            raise ValueError(f"rank failed on {x}")
        residual = math.nan if x == 2 else 1e-7
        history = (1.0, total) if self.comm.rank == 0 else (self.comm.rank,)
        return Outcome(Reason.CONVERGED, x, total, residual, 0.0, 0.1 * x, history=history)


def main():
    world, per_solve = MPI.COMM_WORLD, int(sys.argv[1])
    requests = [Request(Instance(str(x), {}), {"x": x}) for x in range(9)]
    farm = GroupFarm(Summing, world, per_solve)
    found = farm.evaluate(requests)
    assert farm.size == world.size // per_solve
    assert farm.calls == len(requests)
    assert farm.evaluate([]) == []
    expected = SerialFarm(Summing(MPI.COMM_SELF)).evaluate(requests)
    pairs = zip(found, expected, strict=True)
    assert all(repr(a.reason) == repr(b.reason) and a.message == b.message for a, b in pairs)
    close = [
        math.isclose(a.fractional_iterations, b.fractional_iterations)
        for a, b in zip(found, expected, strict=True)
    ]
    assert all(close)
    text = json.dumps([each.to_dict() for each in found])
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert len(set(world.allgather(digest))) == 1
    farm.close()
    sys.stdout.write("agreed\n")


if __name__ == "__main__":
    main()
