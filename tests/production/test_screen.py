"""One screen of text: what does not fit is seen to be left out."""

import pytest

from metasolve.production.reading import Journal
from metasolve.production.report import Report
from metasolve.report.screen import screen

from .lines import head, solve, write


@pytest.mark.parametrize("prefix", ["velocity_", "a_very_long_prefix_of_an_options_database_"])
def test_names_of_classes_are_whole_or_seen_to_be_cut(tmp_path, prefix):
    each = solve(expected=1.0, **{"class": f"{prefix} 1048576 1 4 1"})
    made = Report()
    made.read([Journal(write(tmp_path / "a.jsonl", head(), each))])
    (row,) = [row for row in screen(made.document()).splitlines() if row.startswith("classes")]
    assert f"{prefix}: up to 1,048,576 rows, 16+ a row" in row or " ... " in row
    assert "16+" in row or len(prefix) > 10
