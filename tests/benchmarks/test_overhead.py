"""Law: the overhead that is measured is that of a model which is used."""

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("petsc4py")

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "plugin_overhead.py"


def test_the_plugins_overhead_is_that_of_a_model_in_use(run_program, tmp_path):
    words = ["--rows", "20", "--solves", "30", "--json", tmp_path / "overhead.json"]
    done = run_program([sys.executable, PROGRAM, *words])
    assert done.returncode == 0, done.stderr
    assert "left to the program" not in done.stderr
    seconds = json.loads((tmp_path / "overhead.json").read_text())["seconds"]
    assert set(seconds) >= {"settings given by hand", "run mode, same settings", "features"}
