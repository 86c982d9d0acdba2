"""Laws: a candidate of the prior lies where its options are in a space, or nowhere."""

import numpy as np

from metasolve.prior.candidates import Candidate
from metasolve.space import Choice, Integer, Space
from metasolve.train.place import places

SPACE = Space(
    (
        Choice("ksp_type", ("gmres", "bcgs")),
        Integer("ksp_gmres_restart", 10, 200, "log", default=30, when={"ksp_type": ("gmres",)}),
        Choice("pc_type", ("ilu", "lu", "sor")),
        Integer("pc_factor_levels", 0, 2, default=0, when={"pc_type": ("ilu",)}),
    ),
    fixed={"pc_factor_shift_type": "nonzero"},
)


def candidate(parallel=None, **options):
    return Candidate("one", False, (), options, options if parallel is None else parallel)


def found(*candidates, parallel=False):
    return places(SPACE, candidates, parallel)


def test_what_a_candidate_does_not_name_is_at_its_default():
    (place,) = found(candidate(ksp_type="gmres", pc_type="ilu", pc_factor_levels="2"))
    assert place.settings == {
        "ksp_type": "gmres",
        "ksp_gmres_restart": 30,
        "pc_type": "ilu",
        "pc_factor_levels": 2,
    }
    assert (place.encoded == SPACE.encode(place.settings)).all()
    assert (place.matters == SPACE.active(place.settings)).all()


def test_what_the_space_cannot_set_is_nowhere():
    assert not found(
        candidate(ksp_type="cg", pc_type="ilu"),
        candidate(ksp_type="gmres", pc_type="hypre"),
        candidate(ksp_type="gmres", pc_type="sor", pc_sor_omega="1.2"),
        candidate(ksp_type="gmres", pc_type="ilu", pc_factor_levels="3"),
        candidate(ksp_type="gmres", pc_type="ilu", pc_factor_levels="many"),
        candidate(ksp_type="gmres", pc_type="ilu", pc_factor_shift_type="none"),
    )


def test_what_is_fixed_so_anyway_is_no_hindrance():
    assert found(candidate(ksp_type="gmres", pc_type="ilu", pc_factor_shift_type="nonzero"))


def test_a_factorisation_is_the_same_under_any_krylov_method():
    (place,) = found(candidate(ksp_type="richardson", pc_type="lu"))
    matters = {name for name in SPACE.names if place.matters[SPACE.block(name)].any()}
    assert place.settings["pc_type"] == "lu"
    assert matters == {"pc_type"}


def test_on_several_ranks_it_is_what_it_is_there():
    serial = {"ksp_type": "gmres", "pc_type": "sor"}
    both = candidate(**serial), candidate({"ksp_type": "bcgs", "pc_type": "sor"}, **serial)
    words = [each.settings["ksp_type"] for each in found(*both, parallel=True)]
    assert words == ["gmres", "bcgs"]
    (place,) = found(candidate({}, **serial), both[0], parallel=True)
    assert place.number == 1
    assert np.array_equal(place.encoded, SPACE.encode(place.settings))
