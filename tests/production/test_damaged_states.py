"""A state that is damaged or gone: the file is named, the others are listed and brought back."""

import json
import os

import pytest

from metasolve.files.shipped import shipped
from metasolve.production import journal, past, recovery, site
from metasolve.production.state import digest
from metasolve.production.words import StateError

from .lines import head, solve, write
from .test_past import file, metasolve  # noqa: F401 (file is a fixture)


def damage(path, how):
    if how == "gone":
        path.unlink()
    elif how == "folder":
        path.unlink()
        path.mkdir()
    else:
        data = path.read_bytes()
        path.write_bytes({"cut": data[:-9], "empty": b"", "bytes": os.urandom(300)}[how])


@pytest.mark.parametrize("how", ["cut", "empty", "bytes", "gone"])
def test_earlier_states_are_listed_and_come_back(file, how):  # noqa: F811
    first, second, _ = past.versions(file)
    write(file.with_suffix(".jsonl"), head(), solve(expected=1.0))
    damage(file, how)
    done = metasolve("history", file, "--json")
    assert done.returncode == 0
    assert [each["id"] for each in json.loads(done.stdout)] == [first.id, second.id]
    assert done.stderr.count("\n") == 1
    assert str(file) in done.stderr
    assert "metasolve rollback" in done.stderr
    assert metasolve("report", file.with_suffix(".jsonl")).returncode == 0
    done = metasolve("rollback", file, first.id[:5])
    assert (done.returncode, done.stderr) == (0, "")
    assert digest(file.read_bytes()) == first.id
    assert len(past.history(file)) == 2
    line = list(journal.read(file.with_suffix(".jsonl")))[-1]
    assert (line["source"], line["before"], line["state"]) == ("rollback", "", first.id)


@pytest.mark.parametrize("how", ["cut", "empty", "bytes", "folder"])
def test_damaged_ones_among_the_earlier_are_named(file, how):  # noqa: F811
    first, second, last = past.versions(file)
    damage(second.file, how)
    done = metasolve("history", file)
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [first.id, last.id]
    assert str(second.file) in done.stderr
    assert done.stderr.count("\n") == 1


def test_where_nothing_is_left_the_file_is_an_error_with_a_remedy(file):  # noqa: F811
    for each in past.versions(file):
        damage(each.file, "cut")
    done = metasolve("history", file)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert str(file) in done.stderr
    assert "remove it" in done.stderr
    assert len(past.damaged(file)) == 3


def test_what_is_gone_can_be_described_by_its_earlier_ones_alone(file):  # noqa: F811
    first = past.versions(file)[0]
    damage(file, "gone")
    done = metasolve("inspect", file)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "metasolve rollback" in done.stderr
    assert past.pinned(site.known(str(file)), first.id).is_file()
    assert metasolve("forget", file).returncode == 0


def test_a_damaged_state_is_named_by_inspect(file):  # noqa: F811
    damage(file, "cut")
    done = metasolve("inspect", file)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"{file}: truncated or changed" in done.stderr


@pytest.mark.parametrize("damaged", [{"class": 5}, {"class": "- 8"}, {"learned": {"seen": 3}}])
def test_a_killed_run_whose_lines_are_damaged_is_told_in_one_line(tmp_path, damaged):
    unsaved, state = recovery.Unsaved(), tmp_path / "app.state"
    assert list(unsaved.watching([solve(new_operator=True, **damaged) | damaged]))
    with pytest.raises(StateError, match="a line of run r is damaged"):
        unsaved.add_to(state, shipped(), tmp_path / "log")
    assert not state.exists()
