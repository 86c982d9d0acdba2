"""Training on programs: the same loop, resumable, and better than one setting for all."""

import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest

from metasolve.errors import UsageError
from metasolve.model.directory import load
from metasolve.program.case import Case
from metasolve.program.case_file import read_case
from metasolve.program.evaluation import ORACLE, evaluate_case
from metasolve.program.table import instance_table, rescues
from metasolve.program.training import train_case
from metasolve.report.evaluation import DEFAULT, GLOBAL, MODEL

CALLS = 96
TRAIN = (
    "import sys; from metasolve.program.training import train_case; "
    "train_case(sys.argv[1], sys.argv[2], calls=int(sys.argv[3]), seed=3)"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model of the script, trained once: its case and its directory."""
    from .conftest import CASE, SCRIPT

    folder = tmp_path_factory.mktemp("script")
    (folder / "program.sh").write_text(SCRIPT)
    (folder / "program.sh").chmod(0o755)
    (folder / "case.toml").write_text(CASE)
    train_case(folder / "case.toml", folder / "model", calls=CALLS, seed=3)
    return folder / "case.toml", folder / "model"


def test_training_finds_what_depends_on_the_instance(trained):
    case, directory = trained
    model = load(directory)
    assert model.kind == "policy"
    assert model.info["calls"]["train"] <= CALLS
    assert Case.from_dict(model.info["case"]).to_dict() == read_case(case).to_dict()
    chosen = [model.settings({"n": n})["omega"] for n in (45.0, 75.0)]
    assert chosen == pytest.approx([1.225, 1.375], abs=0.06)


def test_evaluation_compares_on_instances_not_trained_on(trained):
    _, directory = trained
    found = evaluate_case(directory, limit=8, repeats=1, oracle=True)
    ids = {each.id for each in found.instances}
    assert len(ids) == 8
    assert ids.isdisjoint(load(directory).info["trained_on"])
    costs = {
        name: [
            found.measured[name][each.id].outcome.fractional_iterations for each in found.instances
        ]
        for name in (DEFAULT, GLOBAL, MODEL, ORACLE)
    }
    logs = {name: sum(map(math.log, values)) for name, values in costs.items()}
    assert logs[ORACLE] - 0.1 < logs[MODEL] < logs[GLOBAL] < logs[DEFAULT]
    assert found.wrong_results() == 0
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_kill_in_the_middle_loses_a_batch_at_most_and_the_model_is_the_same(
    trained, tmp_path, scratch_home
):
    case, reference = trained
    words = [sys.executable, "-c", TRAIN, str(case), str(tmp_path / "model"), str(CALLS)]
    child = subprocess.Popen(words, env=os.environ)
    events = tmp_path / "model" / "events.jsonl"

    def done():
        return events.read_text().count('"evaluation"') if events.exists() else 0

    for _ in range(3000):
        if done() >= 24:
            break
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    before = done()
    assert 24 <= before < CALLS
    subprocess.run(words, check=True, env=os.environ)
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    calls = [line["call"] for line in lines if line["event"] == "evaluation"]
    assert calls == list(range(1, len(calls) + 1))
    weights = [folder / "weights.safetensors" for folder in (reference, tmp_path / "model")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert not list(scratch_home.iterdir()), "what the killed training left is gone"


def test_a_finished_training_is_not_repeated_and_options_are_checked(trained):
    case, directory = trained
    again = train_case(case, directory, calls=CALLS, seed=3)
    assert again.info["calls"] == load(directory).info["calls"]
    with pytest.raises(UsageError, match=r"calls=3: .*greater than or equal to 16"):
        train_case(case, directory, calls=3)


def test_what_fails_by_default_is_learned_from(script, case_text, tmp_path):
    path = script(case_text.replace("high = 78.0", "high = 160.0"))
    train_case(path, tmp_path / "model", calls=CALLS, seed=1)
    found = evaluate_case(tmp_path / "model", limit=8, repeats=1, global_baseline=False)
    failed = ~found.ok(DEFAULT)
    assert failed.any()
    assert found.ok(MODEL)[failed].all(), "rescued"
    assert found.ok(MODEL).all(), "and none is lost"
    count = int(failed.sum())
    assert rescues(found).endswith(f"{count}, rescued {count}; solved by them and lost: 0")
    assert instance_table(found).row_count == 8


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sor", "multigrid"])
def test_legacy_programs_get_faster(name, problem, tmp_path):
    path = problem(name, **{"high = 96": "high = 48", '"192", "224", "256"': '"64"'})
    train_case(path, tmp_path / "model", calls=120, seed=1)
    found = evaluate_case(tmp_path / "model", limit=6, repeats=1, global_baseline=False)
    assert not (found.ok(DEFAULT) & ~found.ok(MODEL)).any()
    assert found.wrong_results() == 0
    assert found.measured[MODEL]
