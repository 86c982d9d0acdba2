"""What is turned off: all of it, all but some options prefixes, or a class."""

import sys

import pytest

from metasolve.cli.main import main
from metasolve.production import journal, lines
from metasolve.production.remedies import remedy

OURS = {"ksp_type": "gmres", "pc_type": "bjacobi"}


@pytest.fixture
def model(constant_model):
    return constant_model(**OURS, seconds=60.0)


@pytest.mark.parametrize("ranks", [1, 2])
def test_off_leaves_the_program_alone(host, model, run_with, run_program, ranks):
    done, told = run_with(model, host("two_ksps"), ranks, env={"METASOLVE_OFF": "1"})
    alone = run_program(host("two_ksps"), env={}, ranks=ranks)
    assert told == []
    assert (done.stdout, done.stderr) == (alone.stdout, alone.stderr)


@pytest.mark.parametrize("word", ["", "0"])
def test_off_is_no_other_word(host, model, run_with, word):
    _, told = run_with(model, host("two_ksps"), env={"METASOLVE_OFF": word})
    assert {line["source"] for line in told} == {"model"}


@pytest.mark.parametrize("verb", ["run", "record"])
def test_the_command_says_so_and_writes_nothing(host, model, verb, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("METASOLVE_OFF", "1")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    first = {"run": [model], "record": ["-o", tmp_path / "recording"]}[verb]
    words = [verb, *first, "--", *host("two_ksps")]
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    told = capfd.readouterr()
    assert ended.value.code == (0 if verb == "run" else 2)
    assert told.err.count("\n") == 1
    assert "METASOLVE_OFF" in told.err
    assert not (tmp_path / "state").exists()
    assert not (tmp_path / "recording").exists()


@pytest.mark.parametrize(
    ("names", "acted"),
    [
        ("a_", {"a_"}),
        ("b_", {"b_"}),
        ("a_,b_", {"a_", "b_"}),
        (",b_", {"b_"}),
        ("a", set()),
        ("", set()),
    ],
)
def test_only_the_prefixes_that_are_named(host, model, run_with, names, acted):
    _, told = run_with(model, host("two_ksps"), env={"METASOLVE_PREFIX": names})
    assert {line["prefix"] for line in told} == acted


def test_an_empty_prefix_is_a_solver_without_one(host, model, run_with):
    _, told = run_with(model, host("time_steps"), env={"METASOLVE_PREFIX": "a_,"})
    assert told
    assert {line["prefix"] for line in told} == {""}


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_class_by_the_name_that_the_journal_has(host, model, run_with, ranks):
    _, told = run_with(model, host("two_ksps"), ranks)
    names = {line["prefix"]: line["class"] for line in told}
    env = {"METASOLVE_OFF_CLASSES": f"no 8 1 2 1;{names['a_']}"}
    _, told = run_with(model, host("two_ksps"), ranks, env=env)
    assert {line["source"] for line in told if line["prefix"] == "a_"} == {"refused"}
    assert {line["source"] for line in told if line["prefix"] == "b_"} == {"model"}
    why = next(line["why"] for line in told if line["prefix"] == "a_")
    assert "turned off" in why
    assert "--off" in remedy(why)


def test_a_word_that_is_no_class_is_refused(model, capfd):
    with pytest.raises(SystemExit) as ended:
        main(["run", str(model), "--off", "8192", "--", sys.executable, "-c", ""])
    assert ended.value.code == 2
    assert "metasolve inspect" in capfd.readouterr().err


@pytest.mark.timed
def test_lines_have_the_fields_that_python_knows(host, model, run_with, tmp_path):
    run_with(model, host("two_ksps"), clock=True)
    head, first, *_ = journal.read(tmp_path / "run.jsonl")
    assert tuple(head) == lines.HEAD
    assert (*first, "learned") == lines.SOLVE  # nothing is learned under constant settings
    assert tuple(first["seconds"]) == lines.SECONDS
