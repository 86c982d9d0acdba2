"""Laws: a program's own settings are found as the plug-in finds them."""

import pytest

from metasolve.prior import read_candidates
from metasolve.prior.expertise import own_settings

CANDIDATES = read_candidates()


@pytest.mark.parametrize(
    ("told", "name", "known"),
    [
        (("gmres", "ilu"), "gmres+ilu0", True),
        (("cg", "icc"), "cg+icc0", True),
        (("preonly", "lu"), "lu-petsc", True),
        (("preonly", "lu", "mumps"), "lu-mumps", True),
        (("preonly", "lu", "strumpack"), "lu-petsc", True),
        (("gmres", "pcmg"), "gmres+ilu0", False),
        (("preonly", "redundant", "", True), "lu-petsc", False),
    ],
)
def test_own_settings_are_a_candidate_or_foreseen_as_one(told, name, known):
    own = own_settings(CANDIDATES, *told)
    assert CANDIDATES[own.place].name == name
    assert own.known == known
    assert own.offset == (own.place if known else -1)
