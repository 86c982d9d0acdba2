"""Laws of farms: order kept, calls counted, errors contained, outcomes as every rank sees them."""

import math
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.errors import RecordingError, WorkerError
from metasolve.farm import Request, SerialFarm, Watchdog, under_way
from metasolve.farm.rows import as_exchanged, from_rows, to_rows
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Budget

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
OUTCOMES = st.builds(
    Outcome,
    st.sampled_from(Reason),
    st.integers(0, 2**53),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.lists(NUMBERS, max_size=4).map(tuple),
    st.text(st.characters(), max_size=20),
)


class Doubling:
    """Answers with twice its setting; raises on 13."""

    def solve(self, _instance, settings, _budget):
        if settings["x"] == 13:
            raise ValueError("unlucky")
        return Outcome(Reason.CONVERGED, 1, 1.0, 0.0, 0.0, 2.0 * settings["x"])


def requests(count):
    return [Request(Instance(f"i{x}", {}), {"x": x}) for x in range(count)]


def test_outcomes_keep_the_order_and_calls_are_counted():
    farm = SerialFarm(Doubling())
    assert [each.solve_seconds for each in farm.evaluate(requests(4))] == [0, 2, 4, 6]
    farm.evaluate(requests(2))
    assert (farm.calls, farm.size, farm.bytes, farm.evaluate([])) == (6, 1, 0, [])


def test_an_error_is_an_outcome_and_the_others_go_on():
    outcomes = SerialFarm(Doubling()).evaluate(requests(15))
    assert outcomes[13].reason is Reason.ERROR
    assert outcomes[13].message == "ValueError: unlucky"
    assert [each.ok for each in outcomes].count(True) == 14


@pytest.mark.parametrize("error", [RecordingError, WorkerError])
def test_what_no_setting_is_to_blame_for_is_lost(error):
    class Missing:
        def solve(self, _instance, _settings, _budget):
            raise error("it is not there")

    (outcome,) = SerialFarm(Missing()).evaluate(requests(1))
    assert outcome.lost
    assert outcome.message == "it is not there"


def test_stopped_it_begins_nothing_more_and_returns_what_it_has():
    class Stopping(Doubling):
        def solve(self, instance, settings, budget):
            if settings["x"] == 2:
                farm.stop()
            return super().solve(instance, settings, budget)

    farm = SerialFarm(Stopping())
    assert [each.solve_seconds for each in farm.evaluate(requests(6))] == [0, 2, 4]
    assert farm.stopped
    assert farm.evaluate(requests(1)) == []
    assert farm.calls == 3


def test_the_evaluation_under_way_is_noted_until_it_is_done(tmp_path):
    seen = []

    class Looking(Doubling):
        def solve(self, instance, settings, budget):
            seen.extend(under_way(tmp_path))
            return super().solve(instance, settings, budget)

    SerialFarm(Looking(), note=tmp_path).evaluate(requests(2))
    assert seen == [{"instance": f"i{x}", "settings": {"x": x}} for x in range(2)]
    assert list(tmp_path.iterdir()) == []


def test_what_died_in_an_evaluation_leaves_its_note(tmp_path):
    class Dying(Doubling):
        def solve(self, *_):
            raise KeyboardInterrupt

    try:
        SerialFarm(Dying(), note=tmp_path).evaluate(requests(1))
    except KeyboardInterrupt:
        assert [each["instance"] for each in under_way(tmp_path)] == ["i0"]


@given(st.lists(OUTCOMES, max_size=4))
def test_outcomes_travel_to_the_last_bit_but_for_older_norms(outcomes):
    found = list(from_rows(*to_rows(enumerate(outcomes))))
    assert [index for index, _ in found] == list(range(len(outcomes)))
    for (_, one), other in zip(found, outcomes, strict=True):
        assert repr(one) == repr(other.brief())
        assert repr(as_exchanged(one)) == repr(one)
        assert math.copysign(1.0, one.true_residual) == math.copysign(1.0, other.true_residual)


def test_a_note_that_ends_while_it_is_read_is_none(tmp_path):
    (tmp_path / "under-way-0.json").write_text('{"instance": "a", "settings": {}}')
    (tmp_path / "under-way-1.json").symlink_to(tmp_path / "gone")
    assert under_way(tmp_path) == [{"instance": "a", "settings": {}}]


def test_a_watchdog_whose_clock_was_killed_starts_another():
    solver = SimpleNamespace(solve=lambda *_: "answer")
    watchdog = Watchdog(solver, SimpleNamespace(size=1, rank=0))
    ask = (Instance("a", {}), {}, Budget(seconds=60.0))
    assert watchdog.solve(*ask) == "answer"
    first = watchdog._process
    first.kill()
    first.wait()
    assert watchdog.solve(*ask) == "answer"
    assert watchdog._process.pid != first.pid
    watchdog.close()
