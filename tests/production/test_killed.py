"""Whoever is killed while something is kept: nothing counts twice, and nothing is lost."""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from metasolve.production import journal

KILLS = Path(__file__).parent / "kills.c"
STATE = ("before the line", "after the line", "before the state", "after the state")
KEEPING = ("in the copy", "before the folder goes", "while the folder goes")


@pytest.fixture(scope="module")
def kills(tmp_path_factory):
    """`kills(moment)`: variables with which programs are killed at that moment."""
    if shutil.which("cc") is None:
        pytest.skip("no compiler")
    library = tmp_path_factory.mktemp("kills") / "kills.so"
    words = ["cc", "-shared", "-fPIC", "-w", "-o", str(library), str(KILLS), "-ldl"]
    subprocess.run(words, check=True)
    return lambda moment: {"LD_PRELOAD": str(library), "KILL_AT": moment}


@pytest.mark.parametrize("moment", STATE)
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_program_and_what_takes_up_after_it_are_killed_while_they_save(
    place, kills, ranks, moment
):
    """The plug-in at that moment, then `metasolve run` at the same one, as it adds what is left."""
    place.run(ranks=ranks, variables=kills(moment))
    assert place.run(ranks=ranks).returncode == 0
    place.check(6)
    assert place.left() == []
    assert not place.file.with_name("dies.py.state.new").exists()


@pytest.mark.parametrize("moment", STATE)
def test_what_takes_up_is_killed_again_and_again(place, kills, moment):
    """Of a program that was killed before it saved anything."""
    assert place.run("all").returncode == -signal.SIGKILL
    for _ in range(2):
        place.run(variables=kills(moment))
    assert place.run().returncode == 0
    solves = len([line for line in journal.read(place.log) if "learned" in line])
    assert solves in (6, 9, 12)  # the program may have been reached
    place.check(solves)
    assert place.left() == []


@pytest.mark.parametrize("moment", KEEPING)
def test_lines_are_kept_once(place, kills, moment):
    assert place.run(variables=kills(moment)).returncode == -signal.SIGKILL
    assert place.run().returncode == 0
    place.check(6)
    whole = [line for line in place.log.read_bytes().splitlines() if line.endswith(b"}")]
    assert len(whole) == len(set(whole))
    heads = [line for line in journal.read(place.log) if line.get("source") == "run"]
    assert len(heads) == 2


def test_a_save_that_another_run_has_come_after_counts_once_at_most(place, kills):
    """What lay beside the state is gone: the lessons of the last save are lost, and not doubled."""
    assert place.run(variables=kills("after the line")).returncode == -signal.SIGKILL
    other = ("--log", place.file.with_name("other.txt"))
    (left,) = place.left()
    hidden = left.rename(left.parent.parent / left.name)
    assert place.run(options=other).returncode == 0
    hidden.rename(left)
    assert place.run().returncode == 0
    assert place.solves() == 6


def test_a_copy_of_the_process_adds_nothing(place):
    """A program that forks: its child ends as programs do, and has what was learned as well."""
    assert place.run("forks").returncode == 0
    place.check(3)
