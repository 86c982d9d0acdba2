"""Run by test_group_replay on two ranks: what one rank would print must agree on both."""

import sys

from mpi4py import MPI

from metasolve.petsc.recording import Recording
from metasolve.petsc.replay import Replay
from metasolve.petsc.spaces import default_space
from metasolve.solve.solver import Budget

recording = Recording(sys.argv[1])
space = default_space(recording)
replay = Replay(MPI.COMM_WORLD, space)
instances = recording.instances()
for instance in instances:
    seen, own = instance.payload.outcome, replay.solve_host(instance)
    line = f"host {seen.iterations} {own.iterations}"
    lines = MPI.COMM_WORLD.allgather(line)
    assert len(set(lines)) == 1, lines
    if MPI.COMM_WORLD.rank == 0:
        print(line)
for arm in space.arms():
    outcome = replay.solve(instances[0], space.complete(arm), Budget(5.0, 500))
    spent = (outcome.reason, outcome.iterations, outcome.setup_seconds, outcome.solve_seconds)
    lines = MPI.COMM_WORLD.allgather(spent)
    assert len(set(lines)) == 1, lines
    assert not outcome.message or outcome.message.startswith("KSP reason"), outcome
    if MPI.COMM_WORLD.rank == 0:
        print("arm", outcome.reason.name)
late = replay.solve(instances[0], space.defaults(), Budget(seconds=1e-9))
assert late.reason.name == "TIME_BUDGET", late
replay.destroy()
