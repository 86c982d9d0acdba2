"""A matrix of a type for several ranks, on one: PETSc's own factorisations need blocks there."""

import sys

import pytest

from metasolve.petsc.recording import Recording
from metasolve.petsc.spaces import default_space
from metasolve.petsc.systems import Systems

from .conftest import PETSc


@pytest.fixture
def recorded(tmp_path, host, run_program):
    """`recorded(type)`: the recording of one solve with a matrix of that type."""

    def run(kind):
        out = tmp_path / kind
        command = [sys.executable, "-m", "metasolve", "record", "-o", str(out), "--"]
        done = run_program([*command, *host("blocks"), "-solves", "1", "-mat_type", kind])
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
