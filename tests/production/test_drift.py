"""Drift: a change of level is found where there is one, and nowhere else; a bad host is named."""

import json
import math
import random
from collections import Counter

import pytest

from benchmarks import week
from metasolve.production import past
from metasolve.production.reading import journals
from metasolve.production.report import Report
from metasolve.production.shifts import ranks, shift, sign_chance
from metasolve.report.screen import WIDTH, screen

from .lines import head, solve, write

SOLVES = 4400


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("week")
    week.Week(random.Random(1), SOLVES // len(week.PROGRAMS)).write(folder)
    return folder


@pytest.fixture(scope="module")
def document(simulated):
    report = Report()
    report.read(journals([str(simulated)]))
    return report.document()


def test_ranks_share_what_is_equal():
    assert ranks([3.0, 1.0, 3.0, 2.0]) == [3.5, 1.0, 3.5, 2.0]


@pytest.mark.parametrize("at", [12, 30, 45])
def test_a_step_is_found_where_it_is(at):
    chance = random.Random(at)
    x = [chance.gauss(1.0 if i >= at else 0.0, 0.2) for i in range(60)]
    found = shift(x)
    assert abs(found.at - at) <= 1
    assert found.chance < 1e-3
    assert found.apart == pytest.approx(1.0, abs=0.2)


def test_noise_is_no_change_as_seldom_as_is_said():
    chance = random.Random(5)
    few = sum(shift([chance.gauss(0, 1) for _ in range(40)]).chance < 0.05 for _ in range(400))
    assert few <= 0.05 * 400 + 3 * math.sqrt(0.05 * 400)


def test_signs_by_either_way_agree():
    assert sign_chance(200, 120) == pytest.approx(
        sum(math.comb(200, k) for k in range(120, 201)) / 2.0**200
    )
    assert sign_chance(201, 121) == pytest.approx(sign_chance(200, 120), rel=0.2)


def test_the_bad_node_of_a_week_is_named_and_since_when(document):
    bad = [each for each in document["drift"]["hosts"] if each["certain"]]
    assert [each["host"] for each in bad] == [week.BAD_HOST]
    assert bad[0]["times"] == pytest.approx(week.BAD_TIMES, rel=0.1)
    assert abs(bad[0]["since"] - week.BAD_SINCE) < week.DAY


def test_the_class_that_drifted_is_named_and_no_other(document):
    found = document["drift"]["classes"]
    assert {each["program"] for each in found} == {week.DRIFTING}
    assert len(found) == 2
    for each in found:
        assert each["times"] == pytest.approx(week.DRIFT_TIMES, rel=0.15)
        assert abs(each["since"] - week.DRIFT_SINCE) < week.DAY
        assert "iterations" in each["what to do"]


def test_a_week_without_drift_and_bad_node_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(week, "BAD_TIMES", 1.0)
    monkeypatch.setattr(week, "DRIFT_TIMES", 1.0)
    for seed in (2, 3):
        week.Week(random.Random(seed), 220).write(tmp_path / str(seed))
        report = Report()
        report.read(journals([str(tmp_path / str(seed))]))
        drift = report.document()["drift"]
        assert not drift["classes"]
        assert not any(each["certain"] for each in drift["hosts"])


def test_what_is_said_to_be_saved_is_what_was(simulated, document):
    truth = json.loads((simulated / "truth.json").read_text())
    saved = document["saved"]
    assert saved["taken seconds"] == pytest.approx(truth["taken seconds"])
    assert saved["least"] <= truth["own seconds"] - truth["taken seconds"] <= saved["most"]


def test_days_add_up_and_show_the_update(document):
    days = document["days"]
    assert len(days) >= 7
    for key in ("solves", "own seconds", "taken seconds"):
        assert sum(each[key] for each in days) == pytest.approx(document["saved"][key])
    of = [Counter(each["answered by"]) for each in days]
    assert all(sum(c.values()) == each["solves"] for c, each in zip(of, days, strict=True))
    assert not of[0]["gmres+hypre"]
    assert of[-1]["gmres+hypre"]


def test_the_screen_of_a_week_tells_all_of_it(document):
    text = screen(document)
    assert all(len(line) <= WIDTH for line in text.splitlines())
    assert f"host {week.BAD_HOST}" in text
    assert "changed" in text
    assert "days" in text


def test_a_program_on_one_host_is_compared_with_none(tmp_path):
    lines = [head()] + [solve(1.0, None, 2.0, i) for i in range(50)]
    report = Report()
    report.read(journals([str(write(tmp_path / "a.jsonl", *lines))]))
    assert report.document()["drift"] == {"hosts": [], "classes": [], "enough": False}


def test_hours_are_those_of_the_clock(tmp_path):
    """Ten short runs in one hour are runs of one hour, whatever else they are."""
    for i in range(10):
        for host in ("here", "there"):
            run = {"run": f"{host}{i}", "time": 100.0 + i}
            lines = [
                {**head(), **run, "host": host},
                *(solve(1.0, None, 2.0, j) | run for j in (1, 2)),
            ]
            write(tmp_path / f"{host}{i}.jsonl", *lines)
    report = Report()
    report.read(journals([str(tmp_path)]))
    assert [each["hours"] for each in report.document()["drift"]["hosts"]] == [1, 1]


def test_several_processes_read_the_same(simulated, document, monkeypatch):
    monkeypatch.setattr("metasolve.production.sums.LARGE", 0)
    report = Report()
    report.read(journals([str(simulated)]))
    assert report.document() == document


def test_the_states_of_a_week_can_be_gone_back_to(tmp_path):
    week.Week(random.Random(1), 100).write(tmp_path)
    file = tmp_path / f"{week.DRIFTING}.state"
    told = past.history(file)
    assert len(told) == week.RUNS
    assert [each["time"] for each in told] == sorted(each["time"] for each in told)
    before = next(each for each in reversed(told) if each["time"] < week.DRIFT_SINCE)
    past.roll_back(file, before["id"])
    assert past.versions(file)[-1].id == before["id"]
