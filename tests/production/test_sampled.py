"""What canaries tell: a random sample, so an interval that holds."""

import random

from metasolve.production.reading import journals
from metasolve.production.report import Report
from metasolve.report.screen import screen

from .lines import head, solve, write


def told(path):
    report = Report()
    report.read(journals([str(path)]))
    return report.document()


def test_the_canaries_interval_holds_what_was_saved(tmp_path):
    """Expectations are wrong, and worse where own settings were measured for a reason."""
    held, rounds = 0, 100
    for seed in range(rounds):
        chance, lines, truth = random.Random(seed), [{**head(), "canary": 0.1}], 0.0
        for i in range(300):
            expected = chance.lognormvariate(0, 0.5)
            own, drawn = expected * chance.lognormvariate(-0.5, 0.5), chance.random() < 0.1
            truth += own - 0.1
            lines.append(solve(0.1, None, expected, i, canary=own if drawn else None))
        failed = [
            solve(9.0, 9.0, 1.0, 300 + i, source="fallback", why="diverged") for i in range(9)
        ]
        canary = told(write(tmp_path / "a.jsonl", *lines, *failed))["canary"]
        assert canary["solves"] == 300
        held += canary["least"] <= truth <= canary["most"]
    assert held >= 0.85 * rounds


def test_what_own_settings_took_beside_an_answer_is_measured(tmp_path):
    lines = [{**head(), "canary": 1.0}, *(solve(1.0, None, 9.0, i, canary=3.0) for i in range(4))]
    document = told(write(tmp_path / "a.jsonl", *lines))
    assert document["saved"]["measured solves"] == 4
    assert document["saved"]["saved seconds"] == document["canary"]["saved seconds"] == 8.0
    assert document["canary"]["canaries"] == 4
    assert "4 solves of 4 were solved by own settings as well" in screen(document)


def test_without_canaries_nothing_is_said_of_them(tmp_path):
    document = told(
        write(
            tmp_path / "a.jsonl",
            head(),
            *(solve(2.0, 2.0, 1.0, i, source="refused") for i in range(5)),
        )
    )
    assert document["canary"] is None
