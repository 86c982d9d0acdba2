"""Law: an evaluation that ends the job does so twice, the second time alone, and then no more."""

import json
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("cautious_program.py")


def test_what_kills_the_job_twice_is_not_tried_again(run_program, tmp_path):
    pytest.importorskip("mpi4py")
    runs = []
    for _ in range(3):
        (tmp_path / "begun").unlink(missing_ok=True)
        done = run_program([sys.executable, PROGRAM, tmp_path], ranks=2)
        runs.append((done.returncode == 0, (tmp_path / "begun").read_text().split()))
    assert [ended_well for ended_well, _ in runs] == [False, False, True]
    assert "5" in runs[0][1]
    assert runs[1][1][-1] == "5"
    assert len(runs[1][1]) <= 2  # alone: with what was under way beside it at most
    assert sorted(runs[2][1]) == ["0", "1", "2", "3", "4", "6", "7"]
    reasons = json.loads((tmp_path / "reasons.json").read_text())
    assert reasons == ["CONVERGED"] * 5 + ["CRASHED"] + ["CONVERGED"] * 2
    assert not list(tmp_path.glob("under-way-*"))
