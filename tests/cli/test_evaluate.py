"""Evaluate, from an unmodified program to table, JSON and plot."""

import json
import os
import shutil
import subprocess
import sys

import pytest

import metasolve
from metasolve.errors import RecordingError, UsageError
from metasolve.model.pinned import pin
from metasolve.petsc.in_order import How, sequences, solve_in_order
from metasolve.petsc.recording import Recording
from metasolve.recorded.evaluation import evaluate
from metasolve.report.evaluation import ANSWERED

pytest.importorskip("petsc4py")
pytestmark = pytest.mark.skipif(shutil.which("mpicc") is None, reason="the plug-in is compiled")
CALLS = 30
CONTENDERS = {"default", "default_equal_residual", "global", "model"}


@pytest.fixture(scope="module")
def trained(host, hastily, tmp_path_factory):
    """Model and recordings of a program of small time steps: what was trained on, and others."""
    folder = tmp_path_factory.mktemp("evaluate")
    steps = [*host("time_steps"), "-n", "12"]
    metasolve.record([*steps, "-changing_steps", "3"], folder / "seen")
    metasolve.record([*steps, "-n", "13", "-changing_steps", "1"], folder / "unseen")
    with hastily():
        metasolve.train(folder / "seen", folder / "model", calls=CALLS, seed=1)
    return folder


def run(*words):
    command = [sys.executable, "-c", "from metasolve.cli.main import main; main()"]
    return subprocess.run(
        [*command, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_table_json_and_plot(trained, tmp_path):
    files = ["--json", tmp_path / "a" / "e.json", "--plot", tmp_path / "b" / "e.png"]
    options = [*files, "--repeats", "2", "--seed", "3", "--in-order"]
    done = run("evaluate", trained / "model", trained / "unseen", *options)
    assert done.returncode == 0, done.stderr
    assert "geometric mean" in done.stdout
    assert str(tmp_path / "a" / "e.json") in done.stdout.replace("\n", "")
    assert (tmp_path / "b" / "e.png").stat().st_size > 1000

    found = json.loads((tmp_path / "a" / "e.json").read_text())
    assert found["failures"] == found["wrong_results"] == 0
    assert found["speedup"]["default"]["geomean"] > 0
    assert found["speedup"]["default"]["worst"] > 0
    assert found["speedup"]["global"]["geomean"] > 0
    assert found["calls"]["train"] <= CALLS
    assert found["calls"]["global"] <= CALLS + 1
    assert "break_even_solves" in found
    told = json.loads((trained / "model" / "model.json").read_text())
    assert found["training_seconds"] == told["wall_seconds"] > told["solver_seconds"]
    ordered = found["in_order"]
    assert (ordered["sequences"], ordered["systems"], ordered["operators"]) == (1, 4, 2)
    assert set(ordered["seconds"]) == set(ordered["failures"]) == {"own", "anew", "kept"}
    assert not any(ordered["failures"].values())
    assert "in order, 4 systems, 2 operators" in done.stdout
    assert len(found["instances"]) == 4
    for each in found["instances"]:
        assert each["features"]["log_rows"] > 2
        assert set(each["contenders"]) == CONTENDERS
        for contender in each["contenders"].values():
            assert contender["iterations"] > 0
            assert 0 < contender["true_residual"] < 1e-3
            assert all(seconds >= 0 for seconds in contender["seconds"].values())


@pytest.mark.parametrize("reuse", [None, "off"])
def test_in_order_the_program_takes_its_own_iterations_and_keeping_can_be_told(
    trained, tmp_path, monkeypatch, reuse
):
    monkeypatch.delenv("METASOLVE_REUSE", raising=False)
    if reuse:
        monkeypatch.setenv("METASOLVE_REUSE", reuse)
    pin(tmp_path / "model", {"ksp_type": "cg", "pc_type": "icc"})
    (sequence,) = sequences(Recording(trained / "seen").instances())
    own, anew, kept = (solve_in_order(sequence, tmp_path / "model", how) for how in How)
    assert [each.iterations for each, _ in own] == [
        each.payload.outcome.iterations for each in sequence
    ]
    assert "kept" not in {record.get("preconditioner") for _, record in anew}
    for solved in (anew, kept):
        assert len(solved) == len(sequence)
        assert all(record["source"] for _, record in solved)  # the plug-in was there
        assert all(each.reason in ANSWERED for each, _ in solved)
    assert os.environ.get("METASOLVE_REUSE") == reuse


def test_inspect_shows_what_the_plug_in_reads(trained):
    done = run("inspect", trained / "model", "--json")
    policy = json.loads(done.stdout)["policy"]
    assert all(policy.values()), policy
    assert len(policy["expected"].split()) == 1 + int(policy["features"].split()[1])


def test_the_global_setting_is_searched_for_once(trained):
    first = evaluate(trained / "model", trained / "unseen", repeats=1, seed=5)
    (kept,) = (trained / "model" / "baselines").glob("*-5.json")
    before = kept.stat().st_mtime_ns
    again = evaluate(trained / "model", trained / "unseen", repeats=1, seed=5, limit=2)
    assert again.global_setting == first.global_setting
    assert kept.stat().st_mtime_ns == before
    assert len(again.instances) == 2


def test_without_the_global_setting(trained):
    found = evaluate(trained / "model", trained / "unseen", repeats=1, global_baseline=False)
    assert "global" not in found.to_dict()["speedup"]
    assert found.to_dict()["global_setting"] is None


def test_other_ways_to_choose_are_measured_beside(trained):
    made = evaluate(
        trained / "model",
        trained / "unseen",
        repeats=1,
        limit=2,
        global_baseline=False,
        selectors=True,
        oracle=True,
    ).to_dict()
    assert set(made["speedup"]) == {*CONTENDERS, "hand_rule", "nearest", "oracle"} - {
        "global",
        "model",
    }
    assert made["strongest"] in {*made["speedup"]} - {"oracle"}
    assert made["failures_of"]["hand_rule"] == made["failures_of"]["oracle"] == 0
    over = made["over_oracle"]
    assert min(each["geomean"] for each in over.values()) >= 1.0
    assert over["model"]["p90"] >= over["model"]["geomean"] * 0.99


def test_what_was_trained_on_is_no_test(trained):
    with pytest.raises(RecordingError, match="record some more"):
        evaluate(trained / "model", trained / "seen", repeats=1)


@pytest.mark.parametrize(("option", "value"), [("repeats", 0), ("limit", 0)])
def test_senseless_arguments_are_refused(trained, option, value):
    with pytest.raises(UsageError, match=option):
        evaluate(trained / "model", trained / "unseen", **{option: value})


def test_a_configuration_that_cannot_be_rebuilt_is_said(trained, tmp_path):
    recording = tmp_path / "recording"
    shutil.copytree(trained / "unseen", recording)
    manifest = recording / "manifest.jsonl"
    text = manifest.read_text().replace(
        '"replayable":true,"why":""', '"replayable":false,"why":"DM"'
    )
    manifest.write_text(text)
    with pytest.raises(RecordingError, match=r"\(DM\).*metasolve run"):
        evaluate(trained / "model", recording, repeats=1, global_baseline=False)
