"""Solves that are left alone and have no line of their own are counted, and named by why."""

import json
import subprocess
import sys

import pytest

from metasolve.cli.main import main
from metasolve.cli.record import _summary
from metasolve.model.pinned import pin
from metasolve.petsc.recording import Recording

PROGRAM = """
import sys
from petsc4py import PETSc
n = 32
A = PETSc.Mat().createAIJ([n, n], nnz=3)
start, end = A.getOwnershipRange()
for i in range(start, end):
    A.setValue(i, i, 2.1)
    for j in {max(i - 1, 0), min(i + 1, n - 1)} - {i}:
        A.setValue(i, j, -1.0)
A.assemble()
S = PETSc.Mat().createPython([n, n], comm=PETSc.COMM_WORLD)
class Shell:
    def mult(self, mat, x, y):
        A.mult(x, y)
S.setPythonContext(Shell())
b, x = A.createVecs()
b.set(1.0)
for words in sys.argv[1:]:
    method, pc, times, *how = words.split(",")
    ksp = PETSc.KSP().create()
    ksp.setOperators(S if "shell" in how else A)
    ksp.setType(method)
    ksp.getPC().setType(pc)
    for _ in range(int(times)):
        (ksp.solveTranspose if "transposed" in how else ksp.solve)(b, x)
"""


@pytest.fixture
def started(plugin_library, tmp_path, capfd, ranks):
    """`started("run" or "record", *solves)`: what metasolve says at the end."""
    (tmp_path / "program.py").write_text(PROGRAM)

    def start(verb, *solves, size=1, words=()):
        first = {"run": [pin(tmp_path / "model", {"ksp_type": "cg", "pc_type": "jacobi"})]}
        first = first.get(verb, ["-o", tmp_path / "recording"])
        if verb == "run":
            first += ["--log", tmp_path / "log"]
        first += words
        command = ranks([sys.executable, tmp_path / "program.py", *solves], size)
        with pytest.raises(SystemExit) as ended:
            main([verb, *map(str, first), "--", *map(str, command)])
        assert not ended.value.code
        return capfd.readouterr().err.splitlines()[-1]

    return start


KINDS = {
    "preonly,jacobi,2": "2 left alone: solves by a preconditioner alone",
    "lsqr,none,1": "1 left alone: solves by a method without a tolerance on b - A x",
    "gmres,none,1,transposed": "1 left alone: transposed solves",
}


@pytest.mark.parametrize(("solves", "said"), KINDS.items())
@pytest.mark.parametrize("verb", ["run", "record"])
def test_they_are_counted_by_why(started, verb, solves, said):
    assert said in started(verb, solves)


@pytest.mark.parametrize("verb", ["run", "record"])
def test_direct_solves_are_where_that_is_asked_for(started, verb):
    told = started(verb, "preonly,lu,3", words=["--direct", "off"])
    assert "3 left alone: direct solves, under --direct off" in told


@pytest.mark.parametrize("size", [1, 2])
def test_beside_solves_that_are_not_left_alone(started, tmp_path, size):
    said = started("run", "cg,jacobi,2", "preonly,redundant,1", size=size)
    assert said.startswith("metasolve: 2 solves: ")
    assert "; 1 left alone: solves by a preconditioner alone; log: " in said
    last = json.loads((tmp_path / "log").read_text().splitlines()[-1])
    told = {key: last[key] for key in ("source", "why", "solves")}
    assert told == {"source": "left", "why": "solves by a preconditioner alone", "solves": 1}


def test_a_program_that_solves_nothing(started):
    assert "0 solves: no linear system was solved with a KSP" in started("run")
    assert "solved no linear system with a KSP" in started("record")


@pytest.mark.parametrize("verb", ["run", "record"])
def test_a_program_without_petsc(started, verb, tmp_path):
    (tmp_path / "program.py").write_text("")
    assert "metasolve doctor says what" in started(verb)


def test_what_could_not_be_recorded_is_counted_to_the_end(started, tmp_path):
    said = started("record", "cg,none,130,shell")
    assert "100 not recorded: the preconditioning matrix is no assembled, square AIJ" in said
    assert "30 left alone: solves that could not be recorded, after the first hundred" in said
    recording = Recording(tmp_path / "recording")
    assert (len(recording.skipped), recording.left.total()) == (100, 30)


def test_a_recording_that_stopped_says_so_and_counts_nothing(started, tmp_path):
    """One line ends it, however many solves come after."""
    started("record", "cg,jacobi,5")
    out = tmp_path / "recording"
    run = Recording(out).runs[0].run
    with (out / "manifest.jsonl").open("a") as manifest:
        manifest.write(
            json.dumps({"kind": "stopped", "run": run, "why": "the disk is full"}) + "\n"
        )
    said = _summary(out, None, 0)
    assert said.startswith("5 systems recorded; recording stopped: the disk is full; ")


def test_an_attached_ksp_is_no_program(plugin_library):
    """Nothing is written at the end of a program that only attached a model."""
    code = PROGRAM + "from metasolve.petsc.library import plugin\nplugin()\n"
    words = [sys.executable, "-c", code, "preonly,lu,1"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr == ""
