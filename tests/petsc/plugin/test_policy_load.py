"""A policy is read once, however many KSPs it is attached to, and again where it has changed."""

import os

import pytest
from petsc4py import PETSc

from metasolve import accelerate
from metasolve.petsc import library

from ..conftest import convection_diffusion, random_vector, write_policy


def pc_of(model):
    """The preconditioner that a new KSP is solved with."""
    A = convection_diffusion(12, 5.0)
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setType("gmres")
    ksp.setOperators(A)
    ksp.setTolerances(rtol=1e-8)
    with accelerate(ksp, model) as handle:
        ksp.solve(random_vector(A), A.createVecRight())
        return handle.last["settings"]["pc_type"]


def test_a_model_that_has_changed_is_read_again(tmp_path, plugin_library):
    """One that has not is known by its size and the moment it was written."""
    model = write_policy(tmp_path / "model", {"ksp_type": "gmres", "pc_type": "sor"})
    told = (model / "policy.txt").stat()
    assert pc_of(model) == "sor"
    write_policy(model, {"ksp_type": "gmres", "pc_type": "ilu"})
    os.utime(model / "policy.txt", ns=(told.st_atime_ns, told.st_mtime_ns))
    assert (model / "policy.txt").stat().st_size == told.st_size
    assert pc_of(model) == "sor"
    os.utime(model / "policy.txt")
    assert pc_of(model) == "ilu"


def test_one_that_nobody_uses_goes_when_another_comes(tmp_path, plugin_library):
    models = [
        write_policy(tmp_path / name, {"ksp_type": "gmres", "pc_type": name})
        for name in ("sor", "jacobi")
    ]
    for _ in range(3):
        assert [pc_of(model) for model in models] == ["sor", "jacobi"]
    assert library.plugin().names


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_prior_that_cannot_be_read_is_told_in_one_line(ranks, host, constant_model, run_with):
    model = constant_model(ksp_type="gmres", pc_type="jacobi")
    done, lines = run_with(model, host("two_ksps"), ranks, env={"METASOLVE_PRIOR": "/nowhere"})
    assert done.returncode == 0
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("metasolve:")]
    assert told.startswith("metasolve: the prior: cannot read /nowhere/policy.txt (No such file")
    assert lines
