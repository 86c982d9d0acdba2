"""`with metasolve.recording(...)`: systems are kept in process, and afterwards nothing is."""

import subprocess
import sys

import pytest

from metasolve.errors import UsageError
from metasolve.petsc.recording import Recording

PROGRAM = """
import sys
from petsc4py import PETSc
import metasolve
n = 40
A = PETSc.Mat().createAIJ([n, n], nnz=3)
start, end = A.getOwnershipRange()
for i in range(start, end):
    A.setValue(i, i, 2.1)
    for j in {max(i - 1, 0), min(i + 1, n - 1)} - {i}:
        A.setValue(i, j, -1.0)
A.assemble()
x, b = A.createVecs()
b.set(1.0)
def solver():
    ksp = PETSc.KSP().create()
    ksp.setOperators(A)
    ksp.setType("cg")
    ksp.getPC().setType("jacobi")
    return ksp
held = solver()
held.solve(b, x)
with metasolve.recording(sys.argv[1], **eval(sys.argv[2])):
    held.solve(b, x)
    new = solver()
    new.solve(b, x)
    its = new.getIterationNumber()
held.solve(b, x)
new.solve(b, x)
assert new.getIterationNumber() == its
with metasolve.recording(sys.argv[1]):
    new.solve(b, x)
metasolve.on()
new.solve(b, x)
metasolve.off()
"""


@pytest.fixture
def recorded(plugin_library, tmp_path, run_program):
    (tmp_path / "program.py").write_text(PROGRAM)

    def run(ranks=1, **limits):
        command = [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "out"), str(limits)]
        done = run_program(command, env={}, ranks=ranks)
        assert done.returncode == 0, done.stderr
        return Recording(tmp_path / "out")

    return run


@pytest.mark.parametrize("ranks", [1, 2])
def test_what_is_solved_inside_is_kept_and_nothing_else(recorded, ranks):
    found = recorded(ranks)
    assert len(found.solves) == 3
    assert len(found.runs) == 2
    assert {solve.ranks for solve in found.solves} == {ranks}


def test_objects_of_others_are_not_asked_what_they_are(plugin_library, monkeypatch):
    """Some of torch compute their class when they are asked, and warn of it."""
    import warnings

    from metasolve.petsc.accelerate import held

    class Lazy:
        @property
        def __class__(self):
            warnings.warn("was asked", FutureWarning, stacklevel=1)
            return Lazy

    KSP = pytest.importorskip("petsc4py.PETSc").KSP
    kept = [Lazy(), KSP().create(), type("Mine", (KSP,), {})().create()]
    for ksp in kept[1:]:
        ksp.setType("cg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = held()
    assert {ksp.handle for ksp in kept[1:]} <= {ksp.handle for ksp in found}


def test_a_limit_is_one_of_the_block(recorded):
    assert len(recorded(max_systems=1).solves) == 2


def test_a_limit_below_one_is_refused(tmp_path, plugin_library):
    import metasolve

    with pytest.raises(UsageError, match="every=0"), metasolve.recording(tmp_path, every=0):
        pass


def test_off_is_off_in_process_too(tmp_path, plugin_library):
    (tmp_path / "program.py").write_text(
        PROGRAM.partition("held = solver()")[0]
        + """
ksp = solver()
metasolve.on(log=sys.argv[1])
held = metasolve.accelerate(ksp, log=sys.argv[1])
ksp.solve(b, x)
print(held.last, held.detach())
metasolve.off()
with metasolve.recording(sys.argv[2]):
    solver().solve(b, x)
"""
    )
    log, out = tmp_path / "log", tmp_path / "out"
    command = [sys.executable, str(tmp_path / "program.py"), str(log), str(out)]
    import os

    done = subprocess.run(
        command,
        env={**os.environ, "METASOLVE_OFF": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "{} None\n"
    assert not log.exists()
    assert not (out / "manifest.jsonl").exists()
