"""The journal that is kept beside the state: of every run without a log of its own, bounded."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from metasolve.production import journal, site

from .lines import head, solve, write

METASOLVE = [sys.executable, "-m", "metasolve"]


def metasolve(*words):
    command = [*METASOLVE, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def run(host, tmp_path, monkeypatch):
    """`run(options)`: a program of two solves, under metasolve run."""
    pytest.importorskip("petsc4py")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    program = host("two_ksps")

    def call(*options):
        done = metasolve("run", *options, "--", *program)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_runs_are_reported_without_a_word_of_where(run, tmp_path):
    run()
    run()
    kept = tmp_path / "home" / "metasolve" / "two_ksps.jsonl"
    for words in ((), ("two_ksps",), (kept,), (kept.parent,)):
        document = json.loads(metasolve("report", *words, "--json").stdout)
        assert document["saved"]["solves"] == len(journal.solves(kept)) > 0
        assert [each["program"] for each in document["runs"]] == ["two_ksps"] * 2
    lines = list(journal.read(kept))
    solves = [line for line in lines if "solve" in line]
    counted = document["saved"]
    assert counted["measured seconds"] + counted["expected seconds"] == pytest.approx(
        sum(line["own_taken"] or line["own_expected"] or 0 for line in solves)
    )
    assert document["states"][0]["id"] == document["states"][0]["file"] != ""


@pytest.mark.parametrize("asked", ["--log", "--state"])
def test_a_run_that_says_where_keeps_it_there_alone(run, tmp_path, asked):
    place = tmp_path / "there"
    run(asked, place)
    assert not (tmp_path / "home" / "metasolve" / "two_ksps.jsonl").exists()
    name = place if asked == "--log" else place / "two_ksps.jsonl"
    assert journal.solves(name)
    assert metasolve("report", name).returncode == 0


def test_a_run_that_keeps_nothing_keeps_no_journal(run, tmp_path):
    run("--state", "none")
    assert not (tmp_path / "home").exists()


def test_what_a_program_prints_is_the_same_where_nothing_can_be_kept(run, tmp_path):
    from metasolve.model.pinned import pin

    before = run("--state", "none")
    model = pin(tmp_path / "model", {"ksp_type": "gmres", "pc_type": "jacobi"})
    (tmp_path / "home").write_text("no folder")
    done = metasolve("run", model, "--", sys.executable, "-c", "print(1)")
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert before


def test_a_journal_is_bounded_and_the_newest_lines_are_there(tmp_path, monkeypatch):
    kept = tmp_path / "app.jsonl"
    for i in range(10):
        log = write(tmp_path / "log", head(f"r{i}"), *(solve(number=n) for n in range(5)))
        monkeypatch.setenv("METASOLVE_LOG_MAX", str(3 * log.stat().st_size))
        site.keep(log, kept)
        assert kept.stat().st_size <= 3 * log.stat().st_size
    both = [tmp_path / "app.jsonl.1", kept]
    heads = [line["run"] for file in both for line in journal.read(file) if "version" in line]
    assert heads == [f"r{i}" for i in range(6, 10)]


def test_what_became_a_file_before_is_kept_too_and_comes_first(tmp_path):
    log = write(tmp_path / "log", solve(number=2))
    write(tmp_path / "log.1", head(), solve(number=1))
    site.keep(log, tmp_path / "app.jsonl")
    assert [line["solve"] for line in journal.solves(tmp_path / "app.jsonl")] == [1, 2]


def test_runs_that_end_at_once_lose_no_line(tmp_path):
    logs = [
        write(tmp_path / f"log{i}", *(solve(run=f"r{i}", number=n) for n in range(400)))
        for i in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda log: site.keep(log, tmp_path / "app.jsonl"), logs))
    found = [(line["run"], line["solve"]) for line in journal.solves(tmp_path / "app.jsonl")]
    assert len(found) == len(set(found)) == 8 * 400


def test_nothing_written_is_nothing_kept(tmp_path):
    site.keep(tmp_path / "log", tmp_path / "app.jsonl")
    (tmp_path / "log").touch()
    site.keep(tmp_path / "log", tmp_path / "app.jsonl")
    assert not (tmp_path / "app.jsonl").exists()
