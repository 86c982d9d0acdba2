"""The Python examples of the manual run, with stand-ins for what a reader has at that place."""

import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def run(page, begins, names):
    """Run the indented block of a page that begins so."""
    text = (DOCS / page).read_text()
    found = re.search(rf"^ {{4}}{re.escape(begins)}.*\n(?:(?: {{4}}.*)?\n)*", text, re.MULTILINE)
    exec(re.sub(r"^ {4}", "", found[0], flags=re.MULTILINE), names)  # noqa: S102 (our own text)


def test_a_gradient_by_probes():
    z, active = np.array([0.3, -0.2, 0.5]), np.ones(3, dtype=bool)
    names = {"z": z, "active": active, "seed": 1, "step": 0, "instance": 0}
    names |= {"solve": lambda point: float(point @ point), "surrogate_gradient": np.zeros(3)}
    run("explanation/gradients.md", "from metasolve.gradient import", names)
    assert names["gradient"] @ (2 * z) > 0


def test_a_guess_by_hand():
    import scipy.sparse as sp

    rng = np.random.default_rng(0)
    rows, count = 120, 100
    matrices, right_sides = [], []
    for scale in rng.uniform(1, 2, count + 1):
        diagonals = [-np.ones(rows - 1), scale + 2 * np.ones(rows), -np.ones(rows - 1)]
        matrices.append(sp.diags(diagonals, [-1, 0, 1]).tocsr())
        right_sides.append(np.linspace(1, scale, rows))
    A, b = matrices.pop(), right_sides.pop()
    solved = [sp.linalg.spsolve(*system) for system in zip(matrices, right_sides, strict=True)]
    names = {"solutions": np.array(solved), "matrices": matrices, "right_sides": right_sides}
    names |= {"A": A, "b": b, "features": {}}
    run("explanation/guesses.md", "from metasolve.guess import", names)
    assert names["start"].residual < 1e-3


def test_a_family_solved_in_process(monkeypatch):
    pytest.importorskip("petsc4py")
    monkeypatch.chdir(ROOT)
    names = {}
    run("how-to/family.md", "from metasolve.family", names)
    assert names["outcome"].ok


def test_a_model_for_a_ksp(tmp_path, monkeypatch, capsys):
    PETSc = pytest.importorskip("petsc4py.PETSc")
    from metasolve.model.pinned import pin

    monkeypatch.chdir(tmp_path)
    pin(tmp_path / "models/app", {"ksp_type": "cg", "pc_type": "jacobi"}, None)
    A = PETSc.Mat().createAIJ([64, 64], nnz=3)
    for i in range(64):
        A.setValue(i, i, 2.1)
        for j in {max(i - 1, 0), min(i + 1, 63)} - {i}:
            A.setValue(i, j, -1.0)
    A.assemble()
    ksp = PETSc.KSP().create()
    ksp.setOperators(A)
    ksp.setFromOptions()
    b, x = A.createVecs()
    b.set(1.0)
    names = {"ksp": ksp, "b": b, "x": x}
    run("how-to/petsc4py.md", "import metasolve\n\n    accelerated", names)
    assert capsys.readouterr().out.split()[0] in {"model", "refused"}
    run("how-to/petsc4py.md", "with metasolve.accelerate", names)
    assert (b - A * x).norm() <= 1e-5 * b.norm()
