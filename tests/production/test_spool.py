"""What a run leaves reaches the state and the journal, whoever is killed, once."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from metasolve.production import journal, state

from ..conftest import on_ranks
from .conftest import METASOLVE, started


@pytest.mark.parametrize("ranks", [1, 2])
def test_what_a_program_has_learned_that_is_killed_is_kept(place, ranks):
    done = place.run("killed", ranks=ranks)
    assert done.returncode != 0
    assert "3 solves" in done.stderr, done.stderr
    place.check(3)
    assert place.left() == []


@pytest.mark.parametrize("to", ["journal", "log"])
def test_a_run_that_is_killed_with_its_program_is_taken_up_by_the_next(place, tmp_path, to):
    """Another state's runs leave it alone; a line that was not finished stands alone."""
    options = ("--log", tmp_path / "log.jsonl") if to == "log" else ()
    assert place.run("all", options=options).returncode == -signal.SIGKILL
    (left,) = place.left()
    log = tmp_path / "log.jsonl" if to == "log" else left / "run.jsonl"
    with log.open("a") as file:
        file.write('{"torn')
    assert not place.file.exists()
    assert place.run(options=("--state", tmp_path / "other")).returncode == 0
    assert place.left() == [left]
    assert place.run().returncode == 0
    assert place.left() == []
    if to == "journal":
        place.check(6)
    else:
        assert sum(c.solves for c in state.parse(place.file.read_bytes())) == 6
        assert list(journal.read(log))[-1]["source"] == "state"


def test_a_journal_that_does_not_fit_waits_for_the_next_run(place):
    """/dev/full is a disk that is full."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    place.log.parent.mkdir(parents=True)
    place.log.symlink_to("/dev/full")
    done = place.run("killed")
    (left,) = place.left()
    assert f"No space left on device): the lines of this run stay in {left}" in done.stderr
    assert "--log" not in done.stderr
    place.log.unlink()
    assert place.run().returncode == 0
    assert place.left() == []
    place.check(6)


@pytest.mark.parametrize("command", ["run", "record"])
def test_where_the_disk_is_full_nobody_guesses_how_petsc_is_linked(place, tmp_path, command):
    """A limit of the size of files is a disk that is full."""
    shell = f"ulimit -f 0; exec {sys.executable} dies.py"
    option = "--log" if command == "run" else "-o"
    words = [*METASOLVE, command, option, "to", "--", "sh", "-c", f"{shell}; :"]
    limited = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *words]
    done = started(limited, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "cannot be written (File too large)" in last
    assert "doctor" not in last


def test_what_still_runs_is_waited_for(place, tmp_path):
    """Its lessons are its own to save, and its lines come later."""
    begin, (ended, held) = tmp_path / "begin", os.pipe()
    os.mkfifo(begin)
    os.set_inheritable(held, True)
    shell = f"(read line < {begin}; exec {sys.executable} dies.py killed) >/dev/null 2>&1 &"
    words = [*METASOLVE, "run", "--state", place.file.parent, "--", "sh", "-c", shell]
    done = started(words, close_fds=False, cwd=tmp_path)
    os.close(held)
    (told,) = done.stderr.splitlines()
    assert told.endswith("still running: the next run adds what it leaves")
    assert place.left() != []
    begin.write_text("go")
    assert os.read(ended, 1) == b""  # its copy of the pipe is closed: it has been killed
    os.close(ended)
    assert place.run().returncode == 0
    assert place.left() == []
    solves = journal.solves(place.file.with_name("sh.jsonl"))
    assert len(solves) == 3


def test_a_program_runs_where_nothing_can_be_kept(place, tmp_path):
    (tmp_path / "home").write_text("no folder")
    done = place.run()
    assert done.returncode == 0
    first, last = done.stderr.splitlines()
    assert "nothing of this run is kept" in first
    assert "3 solves" in last
    assert place.run(options=("--state", tmp_path / "home" / "x")).returncode == 2


def test_before_each_rank_only_one_speaks(place, tmp_path):
    inner = [*METASOLVE, "run", "--", sys.executable, str(tmp_path / "dies.py")]
    done = started(on_ranks(inner, 2))
    assert done.returncode == 0, done.stderr
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("metasolve:")]
    assert "3 solves" in told
    place.check(3)
    assert json.loads(place.log.read_text().splitlines()[0])["ranks"] == 2
