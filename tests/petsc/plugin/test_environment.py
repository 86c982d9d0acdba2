"""Ranks whose environments differ do what the first is asked for, and none waits for another."""

import re
import sys
from pathlib import Path

import pytest

from metasolve.files.shipped import shipped
from metasolve.petsc import installation

PLUGIN = Path(installation.__file__).parent / "plugin"
WRAPPER = """#!/bin/sh
if [ "${{OMPI_COMM_WORLD_RANK:-0}}" = 1 ]; then
  {}
fi
exec "$@"
"""
PROGRAM = """
from petsc4py import PETSc
n = 3000
A = PETSc.Mat().createAIJ([n, n], nnz=5)
for i in range(*A.getOwnershipRange()):
    A[i, i] = 4.0
    for j in {i - 50, i - 1, i + 1, i + 50} & set(range(n)):
        A[i, j] = -1.0
A.assemble()
x, b = A.createVecs()
b.set(1.0)
ksp = PETSc.KSP().create()
ksp.setOperators(A)
ksp.setType("gmres")
ksp.getPC().setType("none")
ksp.setFromOptions()
for _ in range(12):
    A.shift(1e-3)
    b.scale(1.1)
    ksp.solve(b, x)
"""


@pytest.fixture
def solves(tmp_path, run_with):
    """`solves(asked, others)`: lines of a program; `others` is what a shell does on rank 1."""
    (tmp_path / "program.py").write_text(PROGRAM)

    def run(asked, others):
        wrapper = tmp_path / "wrapper.sh"
        wrapper.write_text(WRAPPER.format(others))
        wrapper.chmod(0o755)
        for name in ("operators", "vectors"):
            (tmp_path / "more" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "app.state").unlink(missing_ok=True)
        command = [str(wrapper), sys.executable, str(tmp_path / "program.py")]
        done, lines = run_with(shipped(), command, ranks=2, env=asked)
        assert done.returncode == 0, done.stderr
        assert "metasolve:" not in done.stderr
        return [(line["source"], line["candidate"], line["why"], line["start"]) for line in lines]

    return run


def variables(tmp_path):
    return {
        "METASOLVE_DETERMINISTIC": "1",
        "METASOLVE_PRIOR": str(shipped()),
        "METASOLVE_STATE": str(tmp_path / "app.state"),
        "METASOLVE_REUSE": "off",
        "METASOLVE_EARLIER": "off",
        "METASOLVE_DIRECT": "off",
        "METASOLVE_BUDGET": "3",
        "METASOLVE_CANARY": "0.5",
        "METASOLVE_KEEP_REFUSED": str(tmp_path / "more"),
        "METASOLVE_KEEP_SLOW": str(tmp_path / "more"),
        "METASOLVE_MAX_SYSTEMS": "3",
        "METASOLVE_MAX_BYTES": "1e8",
        "METASOLVE_OFF_CLASSES": "- 1 1 1 1",
        "METASOLVE_LAUNCH": "word",
    }


def test_what_the_first_rank_is_asked_for_holds_on_others_that_are_asked_for_nothing(
    solves, tmp_path
):
    asked = variables(tmp_path)
    same = solves(asked, ":")
    assert len(same) == 12
    assert solves(asked, f"unset {' '.join([*asked, 'METASOLVE_LOG'])}") == same


def test_what_other_ranks_are_asked_for_does_not_count(solves, tmp_path):
    """The second mode would record, and the last variable would leave every solve alone."""
    asked = {"METASOLVE_DETERMINISTIC": "1"}
    others = {name: value for name, value in variables(tmp_path).items() if name not in asked}
    others |= {"METASOLVE_MODE": "record", "METASOLVE_PREFIX": "other_", "METASOLVE_INPUTS": "1"}
    others |= {"METASOLVE_ADVISE": "1", "METASOLVE_FREEZE": "1", "METASOLVE_DIR": "/nowhere"}
    others["METASOLVE_OFF_CLASSES"] = "- 4096 1 2 2;- 4096 1 1 2;- 4096 1 3 2"
    words = " ".join(f"{name}='{value}'" for name, value in others.items())
    same = solves(asked, ":")
    assert len(same) == 12
    assert {source for source, *_ in same} != {"refused"}
    assert solves(asked, f"export {words}") == same


def test_nothing_else_reads_our_variables():
    """A function that did so would see another environment on each rank."""
    reads = re.compile(r'getenv\("METASOLVE|\benviron\b')
    files = [file.name for file in PLUGIN.glob("*.c") if reads.search(file.read_text())]
    assert files == ["environment.c"]
