"""A program that may be killed, in a place of its own: its state, its journal, its folder."""

import os
import subprocess
import sys

import pytest

from metasolve.files.shipped import shipped
from metasolve.production import journal, replay, state

from ..conftest import on_ranks

METASOLVE = [sys.executable, "-m", "metasolve"]


def started(words, variables=None, **more):
    """In the environment that Python sees: what MPI has added to it, mpiexec must not inherit."""
    environment = {**os.environ, **(variables or {})}
    return subprocess.run(
        words, env=environment, capture_output=True, text=True, check=False, **more
    )


DIES = """
import os, signal, sys
import petsc4py
petsc4py.init([])
from petsc4py import PETSc

A = PETSc.Mat().createAIJ([4000, 4000], nnz=5)
for row in range(*A.getOwnershipRange()):
    A[row, row] = 4.01
    for column in {row - 63, row - 1, row + 1, row + 63} & set(range(4000)):
        A[row, column] = -1.0
A.assemble()
x, b = A.createVecs()
b.set(1.0)
ksp = PETSc.KSP().create()
ksp.setOperators(A)
ksp.setFromOptions()
for _ in range(3):
    ksp.solve(b, x)
PETSc.COMM_WORLD.barrier()
if "forks" in sys.argv:
    import ctypes
    child = os.fork()
    if not child:
        ctypes.CDLL(None).exit(0)
    os.waitpid(child, 0)
    sys.exit()
if "all" in sys.argv:
    os.kill(os.getppid(), signal.SIGKILL)
if len(sys.argv) > 1:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def place(tmp_path, monkeypatch, plugin_library):
    pytest.importorskip("petsc4py")
    script, home, temporary = (tmp_path / name for name in ("dies.py", "home", "t"))
    script.write_text(DIES)
    temporary.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(temporary))

    class Place:
        file = home / "metasolve" / "dies.py.state"
        log = file.with_suffix(".jsonl")

        def run(self, *how, ranks=1, options=(), **more):
            """With variables added to the environment."""
            command = [sys.executable, script, *how]
            command = command if ranks == 1 else on_ranks(command, ranks)
            words = [*METASOLVE, "run", *options, "--", *map(str, command)]
            return started(words, **more)

        def left(self):
            return list(temporary.glob("metasolve-*"))

        def solves(self):
            """That the state has learned of."""
            return sum(c.solves for c in state.parse(self.file.read_bytes()))

        def check(self, solves):
            """The journal has each solve once, and leads to the state bit for bit."""
            data = self.file.read_bytes()
            assert self.solves() == solves
            assert len([line for line in journal.read(self.log) if "learned" in line]) == solves
            names = replay.candidates(shipped())
            assert replay.replay(journal.read(self.log), *names) == data

    return Place()
