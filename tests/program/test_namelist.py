"""Namelists: what is set is read back, everything else stays as it was."""

import io
import string

import f90nml
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.errors import UsageError
from metasolve.program import namelist

NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=8).filter(lambda n: n not in "tf")
WORDS = st.text(string.ascii_letters + string.digits + " _./!&=,", max_size=12)
VALUES = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda x: float(f"{x:.6g}")),
    st.booleans(),
    WORDS,
)


def written(groups):
    out = io.StringIO()
    f90nml.Namelist(groups).write(out)
    return out.getvalue()


def same(found, wanted):
    return found == wanted or (isinstance(wanted, str) and str(found).strip() == wanted.strip())


@given(
    st.dictionaries(NAMES, VALUES, min_size=1, max_size=6),
    st.dictionaries(NAMES, VALUES, max_size=4),
)
def test_what_is_set_is_read_back_and_the_rest_stays(before, changes):
    text = "! by hand\n" + written({"first": before, "second": {"zz_other": 3}}) + "! the end\n"
    after = namelist.changed(text, changes, group="second")
    found = namelist.variables(after)
    wanted = {**before, "zz_other": 3, **changes}
    assert set(found) == set(wanted)
    assert all(same(found[name][1], value) for name, value in wanted.items())
    assert all(found[name][0] == "first" for name in before)
    assert after.startswith("! by hand\n")


def test_comments_and_the_case_of_names_do_not_matter():
    text = "&Solver\n  OMEGA = 1.5 ! tuned in 1987\n  Sweep = 'point'\n/\n"
    after = namelist.changed(text, {"omega": 1.75})
    assert after == text.replace("1.5 ", "1.75 ")


def test_a_new_group_is_added():
    after = namelist.changed("&problem\n n = 3\n/\n", {"omega": 1.5}, group="solver")
    assert namelist.variables(after)["omega"] == ("solver", 1.5)


def test_a_variable_without_a_place_is_named():
    with pytest.raises(UsageError, match="variable 'omega' is not in the namelist"):
        namelist.changed("&problem\n n = 3\n/\n", {"omega": 1.5})
