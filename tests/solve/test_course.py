"""What the first iterations foretell."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.solve.course import beyond, course, left, moment

histories = st.lists(st.floats(1e-30, 1e3), min_size=1, max_size=80)


def test_moments_double_every_fourth_time_and_never_go_back():
    moments = [moment(number) for number in range(60)]
    assert all(one <= other for one, other in itertools.pairwise(moments))
    assert moments[::4] == [2 ** (1 + each) for each in range(15)]


@given(histories)
def test_a_course_holds_the_norm_of_every_moment_that_there_was(history):
    found = course(history)
    assert all(
        norm * history[0] == pytest.approx(history[moment(i)]) for i, norm in enumerate(found)
    )
    assert moment(len(found)) >= len(history)


@given(st.floats(0.1, 0.99), st.integers(4, 25), st.integers(1, 100))
def test_at_a_constant_rate_the_iterations_left_are_known(rate, number, more):
    target = rate ** (moment(number) + more)
    norms = [rate ** moment(each) for each in range(number + 1)]
    assert left(norms, number, target) == pytest.approx(more, rel=1e-6)


@given(histories, st.floats(1e-12, 0.5), st.floats(0, 100), st.floats(0, 100))
def test_the_more_patient_gives_up_no_earlier(history, target, patience, more):
    sooner, later = (beyond(course(history), target, p) for p in (patience, patience + more))
    assert later is None or (sooner is not None and sooner <= later)


@pytest.mark.parametrize("stuck", [[1.0] * 40, [1.0 + 0.01 * i for i in range(40)]])
def test_without_progress_as_much_is_foreseen_as_can_be(stuck):
    norms = course(stuck)
    for number in range(4, len(norms)):
        assert left(norms, number, 1e-6) == 30 * moment(number)
    assert beyond(norms, 1e-6, 119) == 4 == moment(4)
    assert beyond(norms, 1e-6, 121) == 5
    assert beyond(norms, 1e-6, 0, 7) == 7


def test_what_converges_before_anything_can_be_told_is_left_to_itself():
    assert beyond(course([1.0, 1e-2, 1e-5, 1e-9]), 1e-8, 0.0) is None
    assert course([]) == course([0.0]) == ()
