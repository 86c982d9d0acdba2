"""Models are read once, and stay as long as a KSP has them."""

import shutil

import pytest

pytest.importorskip("petsc4py")

from metasolve.petsc.library import plugin
from metasolve.petsc.models import Models

from .conftest import PETSc, convection_diffusion, random_vector, write_policy

ILU = {"ksp_type": "gmres", "pc_type": "bjacobi", "sub_pc_type": "ilu"}


def solved(attach):
    """The log line of a solve whose KSP `attach` was given."""
    A = convection_diffusion(20, 5.0)
    b, ksp = random_vector(A), PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setOperators(A)
    ksp.setType("gmres")
    ksp.getPC().setType("jacobi")
    attach(ksp)
    ksp.solve(b, b.duplicate())
    return plugin().last_record(ksp)


def test_a_model_is_read_once_and_chooses_the_same(tmp_path):
    folder, models = write_policy(tmp_path / "model", ILU), Models(PETSc.COMM_SELF)
    alone = solved(lambda ksp: plugin().attach(ksp, folder))
    first = solved(lambda ksp: models.attach(ksp, folder))
    shutil.rmtree(folder)
    second = solved(lambda ksp: models.attach(ksp, folder))
    for record in (first, second):
        assert record["settings"] == alone["settings"] == ILU
        assert record["iterations"] == alone["iterations"]
    models.destroy()
    gone = solved(lambda ksp: models.attach(ksp, folder))
    assert gone["source"] == "refused"
    assert "policy.txt" in gone["why"]
    models.destroy()


def test_a_ksp_keeps_a_model_that_all_others_have_forgotten(tmp_path):
    folder, models = write_policy(tmp_path / "model", ILU), Models(PETSc.COMM_SELF)

    def attach(ksp):
        models.attach(ksp, folder)
        models.destroy()

    assert solved(attach)["settings"] == ILU


def test_a_ksp_without_a_model_has_none_to_share():
    alone = PETSc.KSP().create(PETSc.COMM_SELF)
    alone.setType("gmres")
    with pytest.raises(Exception, match="MetasolveShare"):
        solved(lambda ksp: plugin().share(ksp, alone))
