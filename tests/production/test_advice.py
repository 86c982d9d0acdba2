"""Of a run that only gives advice the report says what that would have saved."""

from metasolve.production.reading import journals
from metasolve.production.report import Report
from metasolve.report.screen import screen

from .lines import head, solve, write

ADVISED = {"source": "refused", "why": "only advice was asked for"}


def told(path):
    report = Report()
    report.read(journals([str(path)]))
    return report.document()


def test_advice_is_own_less_foreseen(tmp_path):
    """Of solves where a candidate was named, and own settings were measured."""
    lines = [
        head(),
        solve(own=3.0, foreseen=1.0, number=1, **ADVISED),
        solve(own=2.0, foreseen=1.5, number=2, **ADVISED),
        solve(own=5.0, foreseen=None, number=3, **ADVISED),
        solve(own=7.0, foreseen=0.5, number=4, source="refused", why="unfamiliar"),
    ]
    document = told(write(tmp_path / "a.jsonl", *lines))
    assert document["advice"] == {
        "solves": 2, "own seconds": 5.0, "taken seconds": 2.5, "saved seconds": 2.5,
    }  # fmt: skip
    assert "would have saved about 2.5 of 5 s in 2 solves: 2.00 times faster" in screen(document)


def test_without_advice_nothing_is_said_of_it(tmp_path):
    document = told(write(tmp_path / "a.jsonl", head(), solve(own=1.0)))
    assert document["advice"] is None
    assert "would have saved" not in screen(document)
