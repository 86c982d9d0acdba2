"""The journal: whole lines from many processes, bounded, with a head in each file."""

import json
import sys
from pathlib import Path

import pytest

from metasolve.production import journal

from .test_prior import SYSTEM
from .test_state import place, sequence  # noqa: F401 (fixtures)

LIMITED = (
    SYSTEM
    + """
import resource, signal, threading
own, told = signal.SIGXFSZ, []
signal.signal(own, lambda *_: told.append("handled"))
if sys.argv[1] != "handles":
    signal.pthread_sigmask(signal.SIG_BLOCK, [own])
if sys.argv[1] == "waits, has one":
    signal.pthread_kill(threading.get_ident(), own)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, -1))
solver().solve(b, x)
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
print(own in signal.pthread_sigmask(signal.SIG_BLOCK, []), own in signal.sigpending(), told)
"""
)
MANUAL = Path(__file__).parents[3] / "docs" / "reference" / "journal.md"


def keys(value):
    """All names in nested objects, but for those that are names of settings and candidates."""
    for key, inside in value.items():
        yield key
        if isinstance(inside, dict) and key not in ("settings", "seen"):
            yield from keys(inside)


def told(path, mark, launch):
    """The line that a launch ends with."""
    return journal.told(journal.summed(path, journal.since(path, mark, launch)))


def test_every_field_of_every_line_is_described(place, sequence):  # noqa: F811
    place.run(sequence(20))
    told = MANUAL.read_text()
    lines = list(journal.read(place.log))
    assert {line["source"] for line in lines} >= {"run", "fallback", "state"}
    found = {key for line in lines for key in keys(line)}
    assert {"learned", "attempt", "own_taken", "verify"} <= found
    assert [key for key in sorted(found) if f"`{key}`" not in told] == []


def test_a_head_says_what_is_constant(place, sequence):  # noqa: F811
    place.run(sequence(3), METASOLVE_LAUNCH="abc")
    head, *lines = journal.read(place.log)
    assert (head["source"], head["version"], head["launch"]) == ("run", 1, "abc")
    assert head["program"]
    assert head["ranks"] == 1
    assert {line["run"] for line in lines} == {head["run"]}
    times = [line["time"] for line in [head, *lines]]
    assert times == sorted(times)


def test_processes_that_write_at_once_leave_whole_lines(place, sequence):  # noqa: F811
    place.at_once(sequence(20), 6)
    lines = [json.loads(text) for text in place.log.read_text().splitlines()]
    heads = [line["run"] for line in lines if line["source"] == "run"]
    assert len(set(heads)) == len(heads) == 6
    assert counted(place.log) == 120


WORK = {"METASOLVE_DETERMINISTIC": "1"}  #: the same lines in each run


def counted(file):
    """The solves that a journal tells of: on a busy machine some are too short for a line."""
    left = (line["solves"] for line in journal.read(file) if line["source"] == "left")
    return len(journal.solves(file)) + sum(left)


def test_a_file_that_is_full_becomes_another(place, sequence):  # noqa: F811
    """Each file has the head of the run, and neither is larger than it may be."""
    place.run(sequence(20), **WORK)
    most = place.log.stat().st_size * 2 // 3
    place.log.unlink()
    mark = journal.Mark.of(place.log)
    place.run(sequence(20), METASOLVE_LOG_MAX=most, METASOLVE_LAUNCH="a", **WORK)
    files = [place.log.with_name("log.jsonl.1"), place.log]
    for file in files:
        lines = [json.loads(text) for text in file.read_text().splitlines()]
        heads = [line["run"] for line in lines if line["source"] == "run"]
        assert heads == [lines[0]["run"]]
        assert {line["run"] for line in lines} == set(heads)
        assert file.stat().st_size <= most
    assert sum(map(counted, files)) == 20
    assert told(place.log, mark, "a").startswith("20 solves: ")


def test_processes_that_fill_a_file_at_once_lose_no_line(place, sequence):  # noqa: F811
    place.at_once(sequence(5), 4, **WORK)
    most = place.log.stat().st_size * 3 // 4
    place.log.unlink()
    for folder in place.log.parent.glob("t[0-9]"):
        folder.rename(folder.with_name(f"first {folder.name}"))
    place.at_once(sequence(5), 4, METASOLVE_LOG_MAX=most, **WORK)
    files = [place.log.with_name("log.jsonl.1"), place.log]
    assert sum(map(counted, files)) == 20


def test_a_summary_is_of_the_own_launch(place, sequence):  # noqa: F811
    mark = journal.Mark.of(place.log)
    place.run(sequence(3), METASOLVE_LAUNCH="a")
    later = journal.Mark.of(place.log)
    place.run(sequence(4), METASOLVE_LAUNCH="b")
    assert told(place.log, mark, "a").startswith("3 solves")
    assert told(place.log, later, "b").startswith("4 solves")


def test_a_limit_of_the_size_of_files_ends_no_program(place, sequence):  # noqa: F811
    """Of a file that has reached it the next byte is a signal, which ends whoever writes."""
    place.log.write_bytes(b"\n" * 4096)
    limited = ["bash", "-c", 'ulimit -f 4; exec "$@"', "bash", *map(str, sequence(3))]
    done = place.run(limited, PMIX_MCA_gds="hash", **WORK)  # Open MPI's usual one has large files
    assert done.returncode == 0, done.stderr
    assert f"cannot write {place.log} (File too large); no more log lines" in done.stderr
    assert place.log.stat().st_size == 4096


@pytest.mark.parametrize(
    ("host", "left"),
    [
        ("handles", "False False []"),
        ("waits", "True False []"),
        ("waits, has one", "True True []"),
    ],
)
def test_nor_is_it_a_signal_to_the_program(place, tmp_path, host, left):  # noqa: F811
    """Whatever the program does about this signal, it has those of its own files only."""
    place.log.write_bytes(b"\n" * 4096)
    (tmp_path / "limited.py").write_text(LIMITED)
    done = place.run([sys.executable, str(tmp_path / "limited.py"), host], **WORK)
    assert done.returncode == 0, done.stderr
    assert "(File too large); no more log lines" in done.stderr
    assert done.stdout.strip() == left
