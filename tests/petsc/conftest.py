"""Systems to solve, and a writer of recordings that needs no plug-in: what the format means."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from metasolve.petsc.capabilities import of_petsc4py
from metasolve.petsc.library import plugin
from metasolve.petsc.recording import FEATURES_VERSION

os.environ.setdefault("OMP_NUM_THREADS", "1")
PETSc = pytest.importorskip("petsc4py.PETSc")

needs_hypre = pytest.mark.skipif(
    "hypre" not in of_petsc4py().preconditioners, reason="this PETSc was built without hypre"
)

needs_factorisations = pytest.mark.skipif(
    not all(map(PETSc.Sys.hasExternalPackage, ("mumps", "suitesparse", "superlu_dist"))),
    reason="this PETSc was built without libraries that factorise",
)

#: As the plug-in names it.
PETSC = ".".join(map(str, PETSc.Sys.getVersion()))
PETSC += "-complex" if PETSc.ScalarType().dtype == "complex128" else ""

HOST_NONSYMMETRIC = {"ksp_type": "gmres", "pc_type": "ilu", "ksp_norm_type": "preconditioned"}
HOST_SYMMETRIC = {"ksp_type": "cg", "pc_type": "icc", "ksp_norm_type": "preconditioned"}


def convection_diffusion(n=20, peclet=20.0, comm=PETSc.COMM_SELF):
    """Upwind differences on n x n points; symmetric positive definite for peclet 0."""
    A = PETSc.Mat().createAIJ([n * n, n * n], nnz=5, comm=comm)
    A.setOption(PETSc.Mat.Option.NEW_NONZERO_ALLOCATION_ERR, False)
    wind = peclet / n
    for row in range(*A.getOwnershipRange()):
        i, j = divmod(row, n)
        A.setValue(row, row, 4.0 + 1.5 * wind)
        for inside, column, value in (
            (i > 0, row - n, -1.0 - wind),
            (i < n - 1, row + n, -1.0),
            (j > 0, row - 1, -1.0 - wind / 2),
            (j < n - 1, row + 1, -1.0),
        ):
            if inside:
                A.setValue(row, column, value)
    A.assemble()
    return A


def neumann(n=15):
    """The Laplacian with a constant null space."""
    A = convection_diffusion(n, 0.0)
    ones = A.createVecRight()
    ones.set(1.0)
    sums = A * ones
    A.setDiagonal(A.getDiagonal() - sums)
    A.assemble()
    A.setNullSpace(PETSc.NullSpace().create(True, [], PETSc.COMM_SELF))
    return A


def random_vector(A, seed=0):
    vector = A.createVecLeft()
    low, high = vector.getOwnershipRange()
    vector.setArray(np.random.default_rng(seed).standard_normal(vector.getSize())[low:high])
    return vector


class RecordingWriter:
    """Writes what the plug-in would, from petsc4py."""

    def __init__(self, path, run="0a1b", petsc=None, features_version=FEATURES_VERSION):
        self.path, self.run = Path(path), run
        for folder in ("operators", "vectors"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        made_by = {
            "petsc": petsc or PETSC,
            "features_version": features_version,
        }
        self._count, self._latest = 0, None
        self.line(kind="run", format=1, run=run, ranks=1, time=0, **made_by)

    def line(self, **entry):
        with (self.path / "manifest.jsonl").open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def solve(
        self, A, b, *, host=None, guess=None, state=0, features=None, near=(), changes=None, **more
    ):
        """Add one solve; `changes` and `more` go into its line. Returns the instance's id."""
        symmetric = A.isSymmetric(1e-12)
        host = dict(host or (HOST_SYMMETRIC if symmetric else HOST_NONSYMMETRIC))
        indptr, indices, values = A.getValuesCSR()
        content = indptr.tobytes() + indices.tobytes() + values.tobytes()
        digest = hashlib.sha256(content).hexdigest()[:16]
        operator = f"operators/{digest}.petsc"
        if not (self.path / operator).exists():
            self._write(operator, A)
            if near:
                self._write(f"operators/{digest}.near.petsc", *near)
        name = f"{self.run}-{self._count}"
        self._count += 1
        self._write(f"vectors/{name}.rhs.petsc", b)
        if guess is not None:
            self._write(f"vectors/{name}.guess.petsc", guess)
        null = A.getNullSpace()
        transposed = PETSc.Mat()
        A.transpose(transposed)
        asymmetry = (A - transposed).norm() / A.norm()
        diagonal = A.getDiagonal().getArray()
        entry = {
            "kind": "solve",
            "id": name,
            "run": self.run,
            "prefix": "",
            "ranks": 1,
            "operator": {
                "hash": digest,
                "file": operator,
                "rows": A.getSize()[0],
                "nnz": len(values),
                "block_size": A.getBlockSize(),
                "asymmetry": asymmetry,
                "layout": [A.getSize()[0]],
                "state": state,
                "null": {"constant": bool(null.hasConstant()) if null else False, "vectors": 0},
                "near": {"constant": False, "vectors": len(near)},
            },
            "rhs": f"vectors/{name}.rhs.petsc",
            "guess": f"vectors/{name}.guess.petsc" if guess is not None else None,
            "rtol": 1e-5,
            "abstol": 1e-50,
            "divtol": 1e4,
            "max_it": 10000,
            "host": {
                "ksp_type": host["ksp_type"],
                "pc_type": host["pc_type"],
                "options": host,
                "replayable": True,
                "why": "",
            },
            "features": features
            or {
                "log_rows": float(np.log10(A.getSize()[0])),
                "asymmetry": asymmetry,
                "negative_diagonal": float(np.mean(diagonal <= 0)),
            },
            "contract": {
                "kind": "preconditioned",
                "measure": "norm",
                "tolerance": 1e-5,
                "own": 1e-6,
            },
            "outcome": {
                "reason": 2,
                "iterations": 9,
                "true_residual": 1e-6,
                "setup_seconds": 0.0 if (digest, state) == self._latest else 1e-3,
                "solve_seconds": 2e-3,
            },
            "overhead_seconds": 1e-4,
        }
        self._latest = digest, state
        self.line(**{**entry, **(changes or {}), **more})
        return name

    def _write(self, name, *things):
        viewer = PETSc.Viewer().createBinary(str(self.path / name), "w", comm=PETSc.COMM_SELF)
        for thing in things:
            thing.view(viewer)
        viewer.destroy()
        (self.path / f"{name}.info").unlink(missing_ok=True)


@pytest.fixture
def writer(tmp_path):
    """A recording about to be written."""
    return RecordingWriter(tmp_path / "recording")


@pytest.fixture
def nonsymmetric(writer):
    """A recording of three convection-diffusion systems."""
    for index, peclet in enumerate((5.0, 20.0, 80.0)):
        A = convection_diffusion(20, peclet)
        writer.solve(A, random_vector(A, index), state=index)
    return writer.path


@pytest.fixture
def symmetric(writer):
    """A recording of two right-hand sides of one Poisson problem."""
    A = convection_diffusion(20, 0.0)
    for index in range(2):
        writer.solve(A, random_vector(A, index))
    return writer.path


def write_policy(
    folder,
    options,
    *,
    kind="policy",
    names=None,
    petsc=None,
    expected=50.0,
    low=-1e30,
    high=1e30,
    least_rows=0,
    look=0,
    patience=None,
    second=None,
):
    """Write a policy that always chooses these options, as the plug-in reads it.

    With a `patience` it has a gate that is closed everywhere, and that many seconds to wait. A
    `second` choice has the same options, some with other values.
    """
    choices = [name for name in options if second and second[name] != options[name]]
    width = max(1, 2 * len(choices))
    names = names or plugin().names
    petsc = petsc or PETSC
    lines = [
        "metasolve-policy 6",
        f"petsc {petsc}",
        f"kind {kind}",
        f"least_rows {least_rows} look {look}",
        f"features {FEATURES_VERSION} {len(names)}",
    ]
    lines += [f"{name} 0 1 {low} {high}" for name in names]
    lines += [f"expected {np.log(expected):.9g} " + "0 " * len(names), "layers 1"]
    lines += [f"dense {len(names)} {width} linear", "0 " * len(names) * width]
    lines += ["1 0 " * len(choices) or "0"]
    lines += ["second 1 " + ("0 1 " * len(choices) or "0") if second else "second 0"]
    closed = ["gate 1", "layers 1", f"dense {len(names)} 2 linear", "0 " * 2 * len(names), "1 0"]
    closed += ["host 0 0 0", f"patience {patience}"]
    lines += ["gate 0"] if patience is None else closed
    lines.append(f"settings {len(options)}")
    for name, value in options.items():
        if name in choices:
            words = f"{2 * choices.index(name)} 2 {value} {second[name]}"
            lines.append(f"choice {name} {words} symmetric 0 when - 0")
        else:
            lines.append(f"fixed {name} {value} when - 0")
    body = "\n".join(lines) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(body.encode()).hexdigest()
    (folder / "policy.txt").write_text(f"{body}sha256 {digest}\n")
    return folder
