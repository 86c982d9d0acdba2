"""Laws of what is said of time: no test here waits for any."""

import itertools
import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.cli import progress as shown
from metasolve.cli.progress import Progress
from metasolve.solve.instance import Instance
from metasolve.train.duration import expected, sentence
from metasolve.train.events import Events, elapsed, read_events
from metasolve.train.pace import Pace, in_words

UNITS = {"h": 3600.0, "min": 60.0, "s": 1.0}


def instances(*seconds):
    return [Instance(f"i{n}", {}, expected_seconds=each) for n, each in enumerate(seconds)]


@given(st.floats(0.01, 50.0), st.integers(3, 200), st.integers(0, 500))
def test_at_a_constant_pace_what_is_left_is_what_is_missing_over_it(seconds, count, more):
    pace = Pace()
    for number in range(count + 1):
        pace.note(number, 7.0 + seconds * number)
    if min(count, 60.0 / seconds) * seconds < 1.0:
        assert pace.left(count + more) is None
    else:
        assert pace.left(count + more) == pytest.approx(more * seconds, abs=1e-6)


def test_nothing_is_said_before_there_is_a_pace():
    pace = Pace()
    assert pace.left(10) is None
    pace.note(3, 0.0)
    assert pace.left(10) is None
    pace.note(3, 100.0)
    assert pace.left(10) is None


def test_what_was_answered_from_a_log_is_soon_forgotten():
    pace = Pace()
    pace.note(900, 0.0)
    for number in range(100):
        pace.note(900 + number, 10.0 * number)
    assert pace.left(1009) == pytest.approx(100.0)


@given(st.floats(10.0, 1e6))
def test_words_are_what_was_measured(seconds):
    parts = re.findall(r"([\d.]+) (h|min|s)", in_words(seconds))
    assert sum(float(n) * UNITS[unit] for n, unit in parts) == pytest.approx(seconds, rel=0.051)
    assert all(float(number) < 60 for number, unit in parts if unit != "h")


@given(st.lists(st.floats(1e-4, 1e3), min_size=1, max_size=9), st.integers(1, 9999))
def test_more_calls_are_expected_to_take_longer_and_more_ranks_shorter(seconds, calls):
    known = instances(*seconds)
    assert expected(known, calls + 1) > expected(known, calls)
    assert expected(known, calls, 2) < expected(known, calls, 1)
    assert expected(known, calls) > calls * sum(seconds) / len(seconds)
    assert f"{calls} solver calls" in sentence(known, calls)


def test_what_nobody_knows_is_not_said():
    assert expected(instances(0.0, 0.0), 100) is None
    assert "expected" not in sentence(instances(0.0), 100)
    assert "no solver call" in sentence(instances(1.0), 0)


def test_without_a_terminal_lines_come_now_and_then_and_say_what_is_left(capsys, monkeypatch):
    monkeypatch.setattr(shown, "is_terminal", lambda _: False)
    clock = SimpleNamespace(now=0.0)
    with Progress(lambda: clock.now) as progress:
        for done in range(1, 1001):
            clock.now += 4.0
            progress("solver calls", done, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert 10 < len(lines) < 150
    assert lines[0].startswith("solver calls: 4 of 1000, about 1 h 6 min left")
    at = [int(line.split()[2]) for line in lines]
    assert at == sorted(set(at))
    gaps = [4.0 * (b - a) for a, b in itertools.pairwise(at)]
    assert min(gaps) > 15.0
    assert all(gap >= 0.05 * 4.0 * b for gap, b in zip(gaps, at[1:], strict=True))


def test_while_nobody_trains_no_time_is_counted(tmp_path):
    path = tmp_path / "events.jsonl"
    for start in range(3):
        past = read_events(path)
        log = Events(path, lines=len(past), spent=elapsed(past) + 100.0)
        log.emit("phase", number=start)
        log.close()
        assert log.elapsed >= 100.0 * (start + 1)
    told = [each["elapsed"] for each in read_events(path)]
    assert told == sorted(told)
    assert 300.0 <= told[-1] < 400.0


def test_a_log_of_an_earlier_version_tells_by_its_times():
    assert elapsed([]) == 0.0
    assert elapsed([{"time": 10.0}, {"time": 25.5}]) == 15.5
