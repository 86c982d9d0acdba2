"""Law: what was recorded on two ranks is learnt on groups of two, however many, and used on two."""

import json
import sys

import pytest

import metasolve
from metasolve.production import journal

pytest.importorskip("petsc4py")
pytest.importorskip("mpi4py")

STEPS = ("-n", "12", "-changing_steps", "6")
PAIRS = (
    "--calls",
    60,
    "--seed",
    3,
    "--batch",
    2,
    "--measure",
    "iterations",
    "--ranks-per-solve",
    2,
)


@pytest.fixture(scope="module")
def recorded_on_two(host, ranks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("two") / "recording"
    metasolve.record(ranks([*host("time_steps"), *STEPS], 2), folder)
    return folder


def runs_with(model, command, run_program, log):
    words = ("-c", "from metasolve.cli.main import main; main()", "run", model, "--log", log, "--")
    done = run_program([sys.executable, *map(str, words), *command])
    assert done.returncode == 0, done.stderr
    return journal.solves(log)


@pytest.mark.slow
def test_groups_of_two_ranks(
    recorded_on_two, training, run_program, lasting, host, ranks, tmp_path
):
    one_pair, two_pairs = tmp_path / "one", tmp_path / "two"
    for out, on in ((one_pair, 2), (two_pairs, 4)):
        done = run_program(training(recorded_on_two, out, *PAIRS, on=on), timeout=600)
        assert done.returncode == 0, done.stderr
        assert f"ranks: {on} in {on // 2} groups" in done.stdout
    assert lasting(one_pair) == lasting(two_pairs)
    model = json.loads((two_pairs / "model.json").read_text())
    assert (model["ran_on"]["ranks"], model["ran_on"]["ranks_per_solve"]) == (4, 2)
    program = [*host("time_steps"), *STEPS]
    at_home = runs_with(two_pairs, ranks(program, 2), run_program, tmp_path / "2.jsonl")
    assert not any("unfamiliar" in (line["why"] or "") for line in at_home)
    away = runs_with(two_pairs, program, run_program, tmp_path / "1.jsonl")
    assert all(line["source"] != "model" for line in away)
