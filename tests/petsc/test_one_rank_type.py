"""A matrix of a type for several ranks, on one: PETSc's own factorisations need blocks there."""

import sys

import pytest

from metasolve.petsc.recording import Recording
from metasolve.petsc.spaces import default_space
from metasolve.petsc.systems import Systems

from .conftest import PETSc

PROGRAM = """
import sys, petsc4py
petsc4py.init(sys.argv)
from petsc4py import PETSc
n = 60
A = PETSc.Mat().create()
A.setSizes([n, n])
A.setType(PETSc.Options().getString("type", "mpiaij"))
A.setUp()
for i in range(*A.getOwnershipRange()):
    A.setValue(i, i, 2.1)
    for j in {max(i - 1, 0), min(i + 1, n - 1)} - {i}:
        A.setValue(i, j, -1.0 if j < i else -0.9)
A.assemble()
x, b = A.createVecs()
b.set(1.0)
ksp = PETSc.KSP().create()
ksp.setOperators(A)
ksp.setFromOptions()
ksp.solve(b, x)
"""


@pytest.fixture
def recorded(tmp_path, run_program):
    """`recorded(type)`: the recording of one solve with a matrix of that type."""
    (tmp_path / "program.py").write_text(PROGRAM)

    def run(kind):
        out = tmp_path / kind
        command = [sys.executable, "-m", "metasolve", "record", "-o", str(out), "--"]
        done = run_program([*command, sys.executable, str(tmp_path / "program.py"), "-type", kind])
        assert done.returncode == 0, done.stderr
        return Recording(out)

    return run


@pytest.mark.parametrize("kind", ["mpiaij", "seqaij"])
def test_it_is_replayed_as_such_and_trained_with_what_can_be_set_up(kind, recorded):
    recording = recorded(kind)
    (solve,) = recording.solves
    assert solve.parallel is (kind == "mpiaij")
    assert Systems(PETSc.COMM_SELF).load(solve).A.getType() == kind
    space = default_space(recording)
    (methods,) = (set(each.values) for each in space.settings if each.name == "pc_type")
    assert ("ilu" in methods) is (kind == "seqaij")
    assert ("bjacobi" in methods) is (kind == "mpiaij")
