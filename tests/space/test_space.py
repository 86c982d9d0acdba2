"""Laws of `Space`: exact round trip, always valid, conditional settings, written form."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasolve.errors import SpaceError
from metasolve.space import Choice, Flag, Integer, Real, Space

anything = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def ranges(draw, scale):
    """Two bounds that differ in six significant digits."""
    if scale == "log":
        number = st.floats(1e-12, 1e12)
    else:
        number = st.floats(-1e9, 1e9, allow_subnormal=False).filter(lambda x: abs(x) > 1e-12)
    low, high = sorted(float(f"{draw(number):.6g}") for _ in range(2))
    return (low, high) if low < high else (low, low + max(abs(low), 1e-3))


@st.composite
def spaces(draw):
    """A space with every kind of setting, some conditional on those before them."""
    made, parents = [], []
    for index in range(draw(st.integers(0, 7))):
        when = {}
        if parents and draw(st.booleans()):
            parent = draw(st.sampled_from(parents))
            allowed = st.lists(st.sampled_from(parent.values), min_size=1, unique=True)
            when = {parent.name: tuple(draw(allowed))}
        kind = draw(st.sampled_from(["real", "integer", "choice", "flag"]))
        name = f"s{index}"
        if kind == "choice":
            words = tuple("abcd"[: draw(st.integers(1, 4))])
            needy = draw(st.lists(st.sampled_from(words), max_size=len(words) - 1, unique=True))
            made.append(Choice(name, words, when=when, symmetric=tuple(needy)))
        elif kind == "flag":
            made.append(Flag(name, default=draw(st.booleans()), when=when))
        elif kind == "real":
            scale = draw(st.sampled_from(["linear", "log"]))
            made.append(Real(name, *draw(ranges(scale)), scale, when=when))
        else:
            scale = draw(st.sampled_from(["linear", "log"]))
            low = draw(st.integers(1 if scale == "log" else -(2**31) + 1, 2**31 - 2))
            high = draw(st.integers(low + 1, 2**31 - 1))
            made.append(Integer(name, low, high, scale, when=when))
        if kind in ("choice", "flag"):
            parents.append(made[-1])
    return Space(tuple(made), {"ksp_norm_type": "unpreconditioned"})


SPACE = Space(
    (
        Choice("pc_type", ("jacobi", "sor", "gamg")),
        Real("pc_sor_omega", 0.1, 1.9, when={"pc_type": ("sor",)}),
        Integer("pc_sor_its", 1, 8, default=1, when={"pc_type": ("sor",)}),
        Flag("square_graph", when={"pc_type": ("gamg",)}),
        Real("threshold", 1e-4, 1.0, "log", when={"square_graph": (True,)}),
    ),
    {"ksp_norm_type": "unpreconditioned"},
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_settings_survive_the_round_trip_exactly(data):
    space = data.draw(spaces())
    z = np.array(data.draw(st.lists(anything, min_size=space.dim, max_size=space.dim)))
    found = space.to_settings(z)
    assert space.to_settings(space.to_vector(found)) == found
    assert space.complete(found) == found


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["linear", "log"]), st.data())
def test_any_number_given_becomes_canonical_once_and_round_trips(scale, data):
    space = Space((Real("x", *data.draw(ranges(scale)), scale),))
    value = data.draw(st.floats(allow_nan=False) | st.floats(space["x"].low, space["x"].high))
    once = space.complete({"x": value})
    assert space.complete(once) == once
    assert space.to_settings(space.to_vector({"x": value})) == once
    assert float(space.options(once)["x"]) == once["x"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_z_holds_settings_are_typed_bounded_and_consistent(data):
    space = data.draw(spaces())
    z = np.array(data.draw(st.lists(anything, min_size=space.dim, max_size=space.dim)))
    found = space.to_settings(z)
    for setting in space.settings:
        active = all(found.get(parent) in ok for parent, ok in setting.when.items())
        assert (setting.name in found) == active
        if not active:
            continue
        value = found[setting.name]
        if setting.kind in ("real", "integer"):
            assert type(value) is (float if setting.kind == "real" else int)
            assert setting.low <= value <= setting.high
        else:
            assert value in setting.values


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_ends_of_the_coordinate_are_the_bounds_and_the_middle_is_the_middle(scale):
    setting = Real("x", 0.01, 100.0, scale)
    space = Space((setting,))
    read = [space.to_settings([z])["x"] for z in (-math.inf, -1.0, 0.0, 1.0, 7.0)]
    assert read == [0.01, 0.01, 50.005 if scale == "linear" else 1.0, 100.0, 100.0]
    assert setting.default == read[2]


def test_integers_round_half_up():
    space = Space((Integer("n", 0, 4),))
    assert [space.to_settings([z])["n"] for z in (-0.75, -0.76, 0.25, 0.24)] == [1, 0, 3, 2]


def test_not_a_number_gives_the_default_and_ties_give_the_first():
    space = Space((Choice("c", ("a", "b"), "b"), Real("x", 0, 1, default=0.3), Flag("f", True)))
    assert space.to_settings([math.nan] * 4) == {"c": "b", "x": 0.3, "f": True}
    assert space.to_settings([0.0] * 4) == {"c": "a", "x": 0.5, "f": True}
    assert space.to_settings([0.0, 0.0, 0.0, -1e-300])["f"] is False


@settings(max_examples=100, deadline=None)
@given(st.data(), st.integers(0, 2**32))
def test_arms_enumerate_what_can_be_active_and_samples_belong_to_theirs(data, seed):
    space = data.draw(spaces())
    arms = space.arms()
    assert len({tuple(arm.items()) for arm in arms}) == len(arms)
    rng = np.random.default_rng(seed)
    index = int(rng.integers(len(arms)))
    drawn = space.sample(rng, index)
    assert space.arm_of(drawn) == index
    assert arms[index].items() <= drawn.items()
    assert space.arm_of(space.sample(rng)) in range(len(arms))


def test_arms_of_a_small_space_are_these_in_this_order():
    assert SPACE.arms() == [
        {"pc_type": "jacobi"},
        {"pc_type": "sor"},
        {"pc_type": "gamg", "square_graph": False},
        {"pc_type": "gamg", "square_graph": True},
    ]
    assert SPACE.parents["threshold"] == "square_graph"
    assert (SPACE.dim, SPACE.offset("square_graph"), SPACE.block("pc_type")) == (7, 5, slice(0, 3))
    assert SPACE.continuous.tolist() == [False] * 3 + [True, True, False, True]


def test_encoding_is_zero_where_inactive_and_the_vector_elsewhere():
    chosen = {"pc_type": "sor", "pc_sor_omega": 1.9}
    assert SPACE.encode(chosen).tolist() == [0, 1, 0, 1, -1, 0, 0]
    assert SPACE.active(chosen).tolist() == [True] * 5 + [False] * 2
    assert SPACE.options(chosen) == {
        "ksp_norm_type": "unpreconditioned",
        "pc_type": "sor",
        "pc_sor_omega": "1.9",
        "pc_sor_its": "1",
    }


def test_clamping_leaves_logits_alone():
    assert SPACE.clamp([5, -5, 5, 5, -5, 5, 0.5]).tolist() == [5, -5, 5, 1, -1, 5, 0.5]


@settings(max_examples=100, deadline=None)
@given(spaces())
def test_the_written_form_reads_back_as_the_same_space(space):
    assert Space.from_dict(json.loads(json.dumps(space.to_dict()))) == space


def test_a_toml_file_is_a_space(tmp_path):
    file = tmp_path / "space.toml"
    file.write_text(
        '[[setting]]\nname="pc_type"\ntype="choice"\nvalues=["jacobi","sor"]\n'
        '[[setting]]\nname="pc_sor_omega"\ntype="real"\nlow=0.1\nhigh=1.9\n'
        'when={pc_type=["sor"]}\n[fixed]\nksp_type="cg"\n'
    )
    space = Space.from_toml(file)
    assert space.defaults() == {"pc_type": "jacobi"}
    assert space.options({"pc_type": "sor"})["ksp_type"] == "cg"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "x", "type": "rael", "low": 0, "high": 1}, "did you mean 'real'"),
        ({"name": "x", "type": "real", "lo": 0, "high": 1}, "did you mean 'low'"),
        ({"name": "x", "type": "real", "low": 0}, "high is missing"),
        ({"name": "x", "type": "real", "low": "a", "high": 1}, "low='a'"),
        ({"name": "x", "type": "real", "low": 2, "high": 1}, "low=2.0 is not below high=1.0"),
        ({"name": "x", "type": "real", "low": 0, "high": 1, "scale": "log"}, "not positive"),
        ({"name": "x", "type": "real", "low": 0, "high": 1, "default": 2}, "default=2.0 is out"),
        ({"name": "x", "type": "real", "low": 0, "high": math.inf}, "high=inf"),
        ({"name": "n", "type": "integer", "low": 0, "high": 2**40}, "32-bit"),
        ({"name": "n", "type": "integer", "low": 0.5, "high": 2}, "low=0.5"),
        ({"name": "c", "type": "choice", "values": []}, "values="),
        ({"name": "c", "type": "choice", "values": ["a", "b"], "default": "d"}, "c='d' is unknown"),
        ({"name": "f", "type": "flag", "when": {"pc": ["a"]}}, "when='pc'"),
        ({"name": "-f", "type": "flag"}, "without dash"),
    ],
)
def test_a_malformed_entry_is_one_line_with_key_value_and_remedy(entry, words):
    with pytest.raises(SpaceError) as caught:
        Space.from_dict({"setting": [entry]})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"pc_tpye": "sor"}, "did you mean 'pc_type'"),
        ({"pc_type": "lu"}, "pc_type='lu' is unknown"),
        ({"pc_type": "jacobi", "pc_sor_omega": 1.0}, "applies only when pc_type is sor"),
        ({"pc_type": "sor", "pc_sor_omega": "1"}, "pc_sor_omega: value='1'"),
        ({"pc_type": "sor", "pc_sor_omega": math.nan}, "pc_sor_omega: value=nan"),
        ({"pc_type": "gamg", "square_graph": 1}, "square_graph=1 is not a flag"),
    ],
)
def test_wrong_settings_are_refused_by_name(chosen, words):
    with pytest.raises(SpaceError, match=words):
        SPACE.to_vector(chosen)


def test_names_must_differ_and_conditions_have_one_known_parent():
    with pytest.raises(SpaceError, match="appears twice"):
        Space((Flag("a"), Flag("a")))
    with pytest.raises(SpaceError, match="appears twice"):
        Space((Flag("a"),), {"a": "1"})
    with pytest.raises(SpaceError, match="several parents"):
        Flag("c", when={"a": (True,), "b": (True,)})
    with pytest.raises(SpaceError, match="not a list"):
        Flag("c", when={"a": True})
    with pytest.raises(SpaceError, match="32-bit"):
        Integer("n", 0, math.inf)
    with pytest.raises(SpaceError, match="unknown"):
        Space((Choice("a", ("x",)), Flag("b", when={"a": ("y",)})))
    with pytest.raises(SpaceError, match="shape"):
        SPACE.to_settings([0.0])


def test_what_is_left_is_chosen_however_unlikely():
    method = Choice("ksp_type", ["cg", "gmres"], "gmres", symmetric=["cg"])
    assert method.read(np.array([0.0, -np.inf]), symmetric=False) == "gmres"


@given(spaces(), st.data())
def test_what_needs_a_symmetric_operator_is_chosen_for_no_other(space, data):
    z = np.array(data.draw(st.lists(anything, min_size=space.dim, max_size=space.dim)))
    chosen = space.to_settings(z, symmetric=False)
    needy = {each.name: each.symmetric for each in space.settings if isinstance(each, Choice)}
    assert not [name for name, value in chosen.items() if value in needy.get(name, ())]
    assert space.complete(chosen) == chosen
    if np.isfinite(z).all() and not any(needy.values()):
        assert chosen == space.to_settings(z)


def test_some_word_is_for_every_operator():
    with pytest.raises(SpaceError, match="leaves no word for other operators"):
        Choice("ksp_type", ("cg",), symmetric=("cg",))
    with pytest.raises(SpaceError, match="unknown"):
        Choice("ksp_type", ("gmres", "cg"), symmetric=("cgs",))


def test_a_space_shows_its_sizes():
    space = Space(
        (
            Choice("pc", ("ilu", "sor")),
            Real("omega", 0.5, 1.9, when={"pc": ("sor",)}),
            Flag("fast"),
        ),
        fixed={"norm": "none"},
    )
    assert repr(space) == "<Space: 2 choices and flags, 1 numbers, 1 fixed options>"
