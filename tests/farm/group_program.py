"""Run by test_groups.py under mpiexec: every rank checks one law of the group farm."""

import json
import math
import os
import sys
import time
from pathlib import Path

import pytest
from mpi4py import MPI

from metasolve.errors import UsageError
from metasolve.farm import GroupFarm, IsolatedSolver, Request, SerialFarm, Watchdog, under_way
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Budget

sys.path.insert(0, str(Path(__file__).parent))
WORLD = MPI.COMM_WORLD


class Summing:
    """All ranks of the group add up; raises on 5 everywhere and on 7 on the last rank only."""

    def __init__(self, comm):
        self.comm, self.seen = comm, []

    def solve(self, _instance, settings, _budget):
        x = settings["x"]
        self.seen.append(x)
        self.act(x)
        total = self.comm.allreduce(x / 3.0) / self.comm.size
        if x == 5 or (x == 7 and self.comm.rank == self.comm.size - 1):
            raise ValueError(f"rank failed on {x}: \N{EM DASH}\udc80")
        residual = math.nan if x == 2 else -0.0
        history = (1.0, total, 0.5)[: x % 4] if self.comm.rank == 0 else (self.comm.rank,)
        return Outcome(Reason.CONVERGED, x, total, residual, 0.0, 0.1 * x, 1e9 * x, history)

    def act(self, x):
        pass

    def close(self):
        self.seen = None


def requests(count, expected=lambda x: float(x % 3)):
    return [Request(Instance(str(x), {}), {"x": x}, expected=expected(x)) for x in range(count)]


def equal_everywhere(thing):
    assert len(set(WORLD.allgather(json.dumps(thing)))) == 1, thing


def agree(per_solve, _folder):
    """The list is the same on every rank, and the serial farm's where no rounding intervenes."""
    farm = GroupFarm(Summing, WORLD, per_solve)
    assert farm.size == WORLD.size // per_solve
    expected = [each.to_dict() for each in SerialFarm(Summing(MPI.COMM_SELF)).evaluate(requests(9))]
    for _ in range(3):
        found = [each.to_dict() for each in farm.evaluate(requests(9))]
        equal_everywhere(found)
        assert per_solve > 1 or found == expected
        for one, other in zip(found, expected, strict=True):
            assert (one["reason"], one["message"]) == (other["reason"], other["message"])
            assert math.isclose(one["fractional_iterations"], other["fractional_iterations"])
        assert farm.evaluate([]) == []
    assert [each.iterations for each in farm.evaluate(requests(2))] == [0, 1]
    assert farm.calls == 3 * 9 + 2
    assert not farm.stopped
    farm.close()
    assert farm._solver.seen is None


def count_bytes(per_solve, _folder):
    """Nothing but numbers and messages travels: 104 bytes an evaluation, 48 a batch and rank."""
    farm = GroupFarm(Summing, WORLD, per_solve)
    batch = requests(5)
    farm.evaluate(batch)
    assert WORLD.allreduce(farm.bytes) == 104 * len(batch) + 48 * WORLD.size
    farm.close()


def pull(per_solve, folder):
    """The one that takes longest starts first, and the other groups make all the rest meanwhile."""
    count, longest = 12, 8

    class Waiting(Summing):
        def act(self, x):
            if self.comm.rank == 0:
                (folder / f"done-{x}").touch()
            while x == longest and farm.size > 1 and len(list(folder.glob("done-*"))) < count:
                time.sleep(0.002)

    farm = GroupFarm(Waiting, WORLD, per_solve)
    found = farm.evaluate(requests(count, lambda x: float(x == longest)))
    assert [each.iterations for each in found if each.ok] == [
        x for x in range(count) if x not in (5, 7)
    ]
    if WORLD.rank < per_solve and farm.size > 1:
        assert farm._solver.seen == [longest]
    shares = WORLD.allgather(len(farm._solver.seen))
    assert sum(shares) == count * per_solve
    farm.close()


def disagree(per_solve, _folder):
    """Ranks that ask for different things all hear so, and may go on."""
    farm = GroupFarm(Summing, WORLD, per_solve)
    last = WORLD.rank == WORLD.size - 1
    different = [
        requests(4 + last),
        [Request(Instance("0", {}), {"x": int(last)})],
        [Request(Instance(str(last), {}), {"x": 0})],
        [Request(Instance("0", {}), {"x": 0}, Budget(iterations=1 + last))],
        requests(4, lambda x: float(x * last)),
    ]
    for each in different:
        with pytest.raises(UsageError, match=f"rank {WORLD.size - 1} asks for") as raised:
            farm.evaluate(each)
        equal_everywhere(str(raised.value))
    own_time = [Request(Instance("0", {}), {"x": 0}, Budget(seconds=1.0 + WORLD.rank))]
    assert farm.evaluate(own_time)[0].ok
    farm.close()


def stop(per_solve, _folder):
    """A stop on one rank, in the middle of a batch, leaves all ranks with the same first ones."""

    class Stopping(Summing):
        def act(self, x):
            if x == 3 and self.comm.rank == self.comm.size - 1:
                farm.stop()

    farm = GroupFarm(Stopping, WORLD, per_solve)
    every = SerialFarm(Summing(MPI.COMM_SELF)).evaluate(requests(50, float))
    found = farm.evaluate(requests(50, lambda _: 0.0))
    assert farm.stopped
    assert [each.reason for each in found] == [each.reason for each in every[: len(found)]]
    equal_everywhere([each.to_dict() for each in found])
    assert farm.size > 1 or len(found) == 4
    assert farm.evaluate(requests(2)) == []
    farm.close()


def stop_between(per_solve, _folder):
    """A stop on one rank between two batches is known to all before the second."""
    farm = GroupFarm(Summing, WORLD, per_solve)
    farm.evaluate(requests(3))
    if WORLD.rank == WORLD.size - 1:
        farm.stop()
    before = farm._solver.seen[:]
    assert farm.evaluate(requests(3)) == []
    assert farm.stopped
    assert farm._solver.seen == before
    farm.close()


def note(per_solve, folder):
    """What each group evaluates stands in the folder, until it is done."""

    class Looking(Summing):
        def act(self, x):
            if self.comm.rank == 0:
                assert {"instance": str(x), "settings": {"x": x}} in under_way(folder)

    farm = GroupFarm(Looking, WORLD, per_solve, note=folder)
    assert [each.message for each in farm.evaluate(requests(5))] == [""] * 5
    assert under_way(folder) == []
    farm.close()


def isolate(_per_solve, _folder):
    """Workers that die or hang cost their evaluation; the ranks, which are none of them, go on."""
    from farm_solvers import Misbehaving

    farm = GroupFarm(lambda group: IsolatedSolver(Misbehaving, 0.2, on_wait=group.Iprobe), WORLD)
    asked = ["answer", "segv", "nan", "leave", "hang", "parallel", "error", "answer"]
    budgets = {"hang": Budget(seconds=0.05)}
    found = farm.evaluate(
        [Request(Instance(do, {}), {"do": do}, budgets.get(do, Budget())) for do in asked]
    )
    died, late = Reason.CRASHED, Reason.TIME_BUDGET
    expected = {"segv": died, "leave": died, "hang": late, "error": Reason.ERROR}
    assert [each.reason for each in found] == [expected.get(do, Reason.CONVERGED) for do in asked]
    equal_everywhere([each.to_dict() for each in found])
    assert "KeyError: 'pc_typo'" in [each.message for each in found]
    farm.close()


def hang(per_solve, folder):
    """A group of several ranks cannot be isolated: the watchdog ends the job, and says of what."""

    class Hanging(Summing):
        def act(self, x):
            if x == 3 and self.comm.rank == self.comm.size - 1:
                time.sleep(1000)

    def make(comm):
        return Watchdog(Hanging(comm), comm, grace=0.5)

    farm = GroupFarm(make, WORLD, per_solve, note=folder)
    batch = [Request(each.instance, each.settings, Budget(seconds=0.1)) for each in requests(2)]
    assert all(each.ok for each in farm.evaluate(batch))
    farm.evaluate([*batch, Request(Instance("3", {}), {"x": 3}, Budget(seconds=0.1))])


def main(law, per_solve, folder):
    globals()[law](int(per_solve), Path(folder))
    sys.stdout.write(f"{law} {os.getpid()}\n")


if __name__ == "__main__":
    *laws, how, where = sys.argv[1:]
    for each in laws:
        main(each, how, where)
