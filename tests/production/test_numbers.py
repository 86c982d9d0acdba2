"""Numbers of a candidate go where findings send them: whole steps, the same from the same start."""

from copy import deepcopy

import pytest

from metasolve.production import numbers
from metasolve.production.numbers import BACK, CHEAPER, DEARER, UNCLEAR, Number, Numbers, learn

CLASS = "- 4096 1 2 1"


@pytest.fixture
def two():
    """Two numbers: one may go both ways, one only upwards."""
    of = {
        "omega": Number(0, 0, -4, 4, 1.0, 0.2, 0),
        "levels": Number(0, 0, 0, 2, 0.0, 1.0, 0),
    }
    return Numbers("cg+sor", side=1, of=of)


def at(n):
    return [each.at for each in n.of.values()]


def test_numbers_go_only_where_it_was_cheaper_and_back_to_where_they_were(two):
    start, there = at(two), numbers.place(two, CLASS, two.side)
    learn(two, CLASS, UNCLEAR, 0)
    assert at(two) == start
    learn(two, CLASS, DEARER, 0)
    assert at(two) == start
    assert (two.step, two.failed) in ((2, 1), (2, 2))  # 2 where one side had nowhere to go
    there = numbers.place(two, CLASS, two.side)
    learn(two, CLASS, CHEAPER, 70)
    assert (at(two), two.gain, two.failed) == (there, 70, 0)
    learn(two, CLASS, BACK, 0)
    assert (at(two), two.gain) == (start, 0)


def test_what_is_dearer_is_left_for_the_other_side_then_for_another_direction(two):
    del two.of["levels"]
    ahead = numbers.place(two, CLASS, 1)
    learn(two, CLASS, DEARER, 0)
    assert numbers.place(two, CLASS, two.side) == [-each for each in ahead]
    learn(two, CLASS, DEARER, 0)
    assert (two.turn, two.side, two.failed) == (1, 1, 1)


def test_nothing_leaves_its_range_and_there_is_always_somewhere_to_look(two):
    for step in range(200):
        learn(two, CLASS, (CHEAPER, DEARER, CHEAPER, BACK)[step % 4], 1)
        assert numbers.place(two, CLASS, two.side) != at(two)
        assert all(each.low <= each.at <= each.high for each in two.of.values())


def test_the_same_findings_lead_to_the_same_numbers_and_another_class_looks_elsewhere(two):
    other = deepcopy(two)
    for n in (two, other):
        for step in range(30):
            learn(n, CLASS, (step * 7) % 4 - 1, step)
    assert two == other
    drawn = {tuple(numbers.place(two, f"- {rows} 1 2 1", 1)) for rows in (1, 2, 4, 8, 16, 32)}
    assert len(drawn) > 1
