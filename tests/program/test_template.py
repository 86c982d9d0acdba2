"""Templates: what is filled in can be read out again."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metasolve.errors import UsageError
from metasolve.program import template

NAMES = ("reynolds", "n", "pc_type")
VALUES = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1)
LITERALS = st.text(
    st.characters(codec="ascii", exclude_characters="{}", categories=("L", "N", "P"))
)


@given(LITERALS, VALUES, LITERALS)
def test_match_is_the_inverse_of_fill(before, value, after):
    word = before + "{n}" + after
    assert template.match(word, template.fill(word, {"n": value})) == {"n": value}


@given(st.dictionaries(st.sampled_from(NAMES), st.integers().map(str), min_size=3))
def test_several_values_in_one_word_are_told_apart(values):
    word = "{n}:{reynolds}/{pc_type}"
    assert template.match(word, template.fill(word, values)) == values


@given(st.text(st.characters(codec="ascii")))
def test_doubled_braces_stand_for_braces(text):
    doubled = text.replace("{", "{{").replace("}", "}}")
    assert template.fill(doubled, {}) == text
    assert template.names(doubled) == []
    assert template.match(doubled, text) == {}


def test_an_unknown_placeholder_is_named_with_what_it_could_be():
    with pytest.raises(UsageError, match=r"\{reynold\}.*did you mean 'reynolds'"):
        template.fill("-re {reynold}", {"reynolds": "1"})


@given(st.text(), st.text())
def test_other_braces_of_a_file_are_its_own(before, after):
    assume("{n}" not in before + after and not (before + "{").endswith("{n{"))
    text = before + "{n}" + after
    assert template.fill_file(text, {"n": "7"}) == before + "7" + after


DECK = "# a deck {{ }\ngrid  {n}  {n}x\n\nomega = {omega}, {mode}\nend\n"


@given(
    n=st.integers(1, 999).map(str),
    omega=st.floats(0.1, 1.9).map(repr),
    mode=st.sampled_from(["slow", "fast"]),
    shift=st.integers(0, 3),
)
def test_values_of_a_users_file_are_found_and_replaced(n, omega, mode, shift):
    values = {"n": n, "omega": omega, "mode": mode}
    text = "# mine\n" * shift + template.fill_file(DECK, values).replace("  ", " ")
    places = template.match_file(DECK, text, list(values))
    assert [(name, text[start:end]) for name, start, end in places] == [
        ("n", n), ("n", n), ("omega", omega), ("mode", mode)
    ]  # fmt: skip
    again = template.replaced(text, places, {"omega": "1.25"})
    assert again == text.replace(f"omega = {omega},", "omega = 1.25,")


def test_a_file_unlike_its_template_is_refused():
    with pytest.raises(UsageError, match="no line of the input file look"):
        template.match_file("omega = {omega}\n", "damping = 3\n", ["omega"])
