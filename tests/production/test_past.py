"""Earlier states: kept by the plug-in, listed, compared, pinned and brought back."""

import errno
import json
import os
import subprocess
import sys

import pytest

from metasolve.errors import UsageError
from metasolve.production import journal, past, replay, site, state
from metasolve.production.state import Operators, digest, written

MARK = "0123456789abcdef"


def metasolve(*words):
    command = [sys.executable, "-m", "metasolve", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def made(solves, *more):
    classes = [Operators("-", 8192, 1, 2, 1, solves=solves), *more]
    return written(classes, MARK)


@pytest.fixture
def file(tmp_path):
    """A program with two earlier states and a last one."""
    last = tmp_path / "app.state"
    folder = tmp_path / "app.states"
    folder.mkdir()
    for i, data in enumerate([made(1), made(5, Operators("p_", 64, 1, 2, 1))]):
        earlier = folder / f"{digest(data)}.state"
        earlier.write_bytes(data)
        os.utime(earlier, (1000.0 + i, 1000.0 + i))
    last.write_bytes(made(9, Operators("p_", 64, 1, 2, 1)))
    return last


def test_a_history_says_what_has_changed(file):
    first, second, last = past.history(file)
    assert (first["solves"], second["solves"], last["solves"]) == (1, 5, 9)
    assert first["new"] == ["- 8192 1 2 1"]
    assert (second["new"], second["changed"]) == (["p_ 64 1 2 1"], ["- 8192 1 2 1"])
    assert (last["new"], last["changed"], last["gone"]) == ([], ["- 8192 1 2 1"], [])
    assert last["id"] == digest(file.read_bytes())


def test_a_damaged_earlier_state_is_left_out(file):
    (site.earlier(file) / ("f" * 16 + ".state")).write_bytes(b"nothing")
    assert len(past.history(file)) == 3
    assert len(past.damaged(file)) == 1


def test_rollback_brings_a_state_back_and_can_be_undone(file):
    first, _, last = past.versions(file)
    data = first.file.read_bytes()
    past.roll_back(file, first.id[:6])
    assert file.read_bytes() == data
    assert [each.id for each in past.versions(file)][-1] == first.id
    past.roll_back(file, last.id)
    assert digest(file.read_bytes()) == last.id


def test_a_rollback_that_cannot_be_told_leaves_nothing_beside(file, monkeypatch):
    """What lies there would be taken for a killed run's, whose lessons are not added yet."""
    before, first = file.read_bytes(), past.versions(file)[0]
    site.journal_of(file).write_bytes(b"")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(site, "_end_line", full)
    with pytest.raises(UsageError, match="No space left"):
        past.roll_back(file, first.id)
    assert file.read_bytes() == before
    assert not site.beside(file).exists()


def test_an_id_that_is_unknown_or_not_one_is_refused(file):
    for name in ("ffff", "", "..", "../app"):
        with pytest.raises(UsageError, match="metasolve history app"):
            past.known(file, name)


def test_a_pinned_state_is_not_thinned_out(file):
    first = past.versions(file)[0]
    pinned = past.pinned(file, first.id)
    first.file.unlink()
    assert past.pinned(file, first.id) == pinned
    assert first.id in {each.id for each in past.versions(file)}


def test_forgotten_is_all_but_what_is_pinned(file):
    first = past.versions(file)[0]
    pinned = past.pinned(file, first.id)
    assert metasolve("forget", file).returncode == 0
    assert not file.exists()
    assert list(site.earlier(file).iterdir()) == [pinned]


@pytest.fixture
def run(host, tmp_path, monkeypatch):
    """`run(options)`: a program of a few solves, under metasolve run; its state."""
    pytest.importorskip("petsc4py")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    program = host("two_ksps")

    def call(*options):
        done = metasolve("run", *options, "--", *program)
        assert done.returncode == 0, done.stderr
        return site.folder() / "two_ksps.state"

    return call


def test_each_run_leaves_what_it_has_found(run, monkeypatch):
    ids = []
    for _ in range(3):
        kept = run()
        ids.append(digest(kept.read_bytes()))
    told = past.history(kept)
    assert [each["id"] for each in told] == ids
    runs = [line["run"] for line in journal.read(kept.with_suffix(".jsonl")) if "host" in line]
    assert [each["run"] for each in told] == runs
    assert all(each["changed"] for each in told[1:])
    lines = metasolve("history", "two_ksps").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ids
    monkeypatch.setenv("XDG_STATE_HOME", "/nowhere")
    there = ("--state", str(kept.parent))
    assert metasolve("history", "two_ksps", *there).stdout.splitlines() == lines
    assert metasolve("rollback", "two_ksps", ids[0], *there).returncode == 0
    told = json.loads(metasolve("inspect", "two_ksps", "--json", *there).stdout)
    assert told["id"] == ids[0]
    assert metasolve("forget", "two_ksps", *there).returncode == 0
    assert not kept.exists()


def test_a_journal_leads_to_the_state_over_a_rollback(run):
    from metasolve.files.shipped import shipped

    run()
    kept = run()
    first = past.versions(kept)[0]
    assert metasolve("rollback", "two_ksps", first.id).returncode == 0
    assert digest(kept.read_bytes()) == first.id
    run()
    lines = journal.read(kept.with_suffix(".jsonl"))
    assert replay.replay(lines, *replay.candidates(shipped())) == kept.read_bytes()
    document = json.loads(metasolve("report", "--json").stdout)
    assert document["damaged lines"] == 0
    assert document["states"][0]["id"] == digest(kept.read_bytes())


def test_a_run_with_a_state_by_id_begins_with_it_and_adds_nothing(run):
    run()
    kept = run()
    first, last = past.versions(kept)
    run("--state-id", first.id)
    assert digest(kept.read_bytes()) == last.id
    heads = [line for line in journal.read(kept.with_suffix(".jsonl")) if "host" in line]
    assert heads[-1]["state"] == first.id
    words = ("env", "--program", "two_ksps", "--state-id", first.id)
    told = metasolve(*words).stdout
    assert f"{first.id}.pinned" in told
    assert "METASOLVE_FREEZE=1" in told
    for words in (("--state", "none"), ("--state-id", "ffff")):
        done = metasolve("run", "--state-id", first.id, *words, "--", "true")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_two_states_are_compared_by_class(run):
    run()
    kept = run()
    first = past.versions(kept)[0]
    told = json.loads(metasolve("inspect", "two_ksps", first.id, "--json").stdout)
    assert told["id"] == {"before": digest(kept.read_bytes()), "after": first.id}
    names = {c.name for c in state.parse(kept.read_bytes())}
    assert set(told["classes"]) <= names
    assert all("solves" in each for each in told["classes"].values())
    same = metasolve("inspect", "two_ksps", "two_ksps", "--json").stdout
    assert json.loads(same) == {}
    assert metasolve("inspect", "two_ksps", "two_ksps").stdout == "they do not differ\n"


def test_the_plugin_keeps_so_many_and_older_ones_by_day(run):
    """Of 120 earlier states, three a day, one goes for each that comes: no day, and no late one."""
    run()
    kept = run()
    folder = site.earlier(kept)
    for i in range(120):
        data = made(i + 1)
        earlier = folder / f"{digest(data)}.state"
        earlier.write_bytes(data)
        moment = 86400.0 * (100 + i // 3) + i
        os.utime(earlier, (moment, moment))
    before = sorted(each.stat().st_mtime for each in folder.glob("*.state"))
    for _ in range(4):
        run()
    left = sorted(each.stat().st_mtime for each in folder.glob("*.state"))
    assert len(left) == len(before)
    assert left[-32:-4] == before[-28:]
    assert {moment // 86400 for moment in before} <= {moment // 86400 for moment in left}
