"""Laws: a journal tells a training what the prior learned from, and says so where there is none."""

import json

import pytest

from metasolve.errors import UsageError
from metasolve.production.lessons import MOST, lessons


def line(name, beyond):
    return json.dumps({"source": "model", "learned": {"seen": {name: [beyond, 0.15, [7] * 23]}}})


def test_solves_that_were_learned_from_are_told_in_their_order(tmp_path):
    journal = tmp_path / "app.jsonl"
    others = [json.dumps({"source": "run"}), json.dumps({"source": "refused"}), "torn"]
    journal.write_text("\n".join([line("own", 0.5), *others, line("gmres+ilu1", -1.0), ""]))
    assert lessons(journal) == [["own", 0.5, [7] * 23], ["gmres+ilu1", -1.0, [7] * 23]]


def test_the_latest_of_many_are_told(tmp_path):
    journal = tmp_path / "app.jsonl"
    journal.write_text("\n".join(line("own", float(n)) for n in range(MOST + 5)))
    told = lessons(journal)
    assert len(told) == MOST
    assert told[-1][1] == MOST + 4


def test_a_journal_that_tells_nothing_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is no file; metasolve run --log"):
        lessons(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text('{"source": "run"}\n')
    with pytest.raises(UsageError, match="leave --journal out"):
        lessons(tmp_path / "empty.jsonl")
