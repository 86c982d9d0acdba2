"""The first runs of a program: nothing is known before, and what the program does is the same."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.first_run import NAMES, FirstRuns, Run, measure
from metasolve.errors import MetasolveError
from metasolve.production import journal


def run(wall, solves=1.0, *sources):
    lines = [{"source": each, "candidate": "cg", "class": "c"} for each in sources]
    return Run(wall, solves, [0.1], lines)


def table(found):
    return {row[""]: row for row in found.result.sections[0].rows}


def test_medians_are_of_the_rounds_and_times_faster_of_the_medians():
    rounds = [[run(8.0, 4.0), run(4.0, 2.0), run(2.0, 1.0)]] * 2 + [[run(99.0), run(1.0), run(9.0)]]
    found = FirstRuns(["app"], rounds)
    rows = list(table(found).values())
    assert [row["alone"] for row in rows[:4]] == ["8.00", "", "4.00", ""]
    assert found.median(2, "wall") == 2.0
    assert found.result.sections[0].rows[1]["second run"] == "4.00"


def test_what_is_counted_is_of_the_last_round():
    last = [run(1.0), run(1.0, 1.0, "model", "fallback"), run(1.0, 1.0, "switched", "model")]
    rows = table(FirstRuns(["app"], [[run(1.0)] * 3, last]))
    answered, known = rows["answered by chosen settings"], rows["learned before it"]
    assert (answered["first run"], answered["second run"]) == ("1 of 2 solves", "2 of 2 solves")
    assert (known["first run"], known["second run"]) == (
        "0 solves, 0 classes",
        "2 solves, 1 classes",
    )


def test_each_round_begins_with_nothing_learned(host, tmp_path, capsys):
    """And the second run of it with what the first has learned."""
    pytest.importorskip("matplotlib")
    program = host("two_ksps")
    with pytest.raises(SystemExit) as stop:
        main(["first-run", "--out", str(tmp_path), "--rounds", "2", "--", *program])
    assert not stop.value.code
    told = capsys.readouterr()
    assert all(name in told.out for name in NAMES)
    assert told.err.count("$ metasolve run --state") == 4
    found = json.loads((tmp_path / "first_run.json").read_text())
    assert {len(each) for each in found["seconds"].values()} == {2}
    for each in found["seconds"].values():
        assert all(0 < one["solves"] < one["wall"] for one in each)
    assert (tmp_path / "first_run.png").read_bytes().startswith(b"\x89PNG")
    lines = journal.read(tmp_path / "state" / "two_ksps.jsonl")
    heads = [line["state"] for line in lines if line["source"] == "run"]
    assert [bool(state) for state in heads] == [False, True]


def test_a_program_that_fails_or_solves_nothing_is_said(tmp_path):
    pytest.importorskip("petsc4py")
    with pytest.raises(MetasolveError, match="exit code 1"):
        measure(["false"], tmp_path)
    with pytest.raises(MetasolveError, match="no solve was seen"):
        measure(["true"], tmp_path)
