"""Trainings by number of calls: the table says what was measured, and counts what failed."""

import json

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.training_calls import OWN, row_of
from metasolve.baselines.contenders import Measurements
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason

INSTANCES = [Instance("a", {}), Instance("b", {}, setup_share=0.5)]


def solved(*seconds, reason=Reason.CONVERGED):
    """Instances' measurements: two solves each, half of it set-up."""
    return {
        each.id: Measurements([Outcome(reason, 1, 1.0, 0.0, t / 2, t / 2)] * 2, [{}] * 2)
        for each, t in zip(INSTANCES, seconds, strict=True)
    }


def test_gains_are_geometric_over_systems_and_spread_over_seeds():
    measured = {OWN: solved(4.0, 4.0), "one": solved(1.0, 1.0), "other": solved(4.0, 16.0)}
    row = row_of(INSTANCES, measured, "from nothing", 150, ["one", "other"])
    assert (row["max"], row["min"]) == (pytest.approx(4.0), pytest.approx(0.5))
    assert row["mean"] == pytest.approx(2.25)
    assert row["slower than 1.1x"] == 1
    assert row["slowest"] == pytest.approx(0.25)
    assert row["failed"] == 0
    assert row["in total"] == pytest.approx(np.mean([4.0, 7.0 / 16.0]))


@pytest.mark.parametrize(("own", "failed"), [(Reason.CONVERGED, 4), (Reason.WRONG_RESIDUAL, 0)])
def test_what_fails_where_own_answers_do_not_is_counted(own, failed):
    bad = solved(1.0, 1.0, reason=Reason.DIVERGED)
    measured = {OWN: solved(4.0, 4.0, reason=own), "one": bad}
    assert row_of(INSTANCES, measured, "from nothing", 150, ["one"])["failed"] == failed


@pytest.mark.slow
def test_trainings_and_the_prior_alone_meet(host, run_program, tmp_path):
    pytest.importorskip("petsc4py")
    pytest.importorskip("matplotlib")
    import metasolve

    recording, unseen = tmp_path / "recording", tmp_path / "unseen"
    for out, steps in ((recording, 12), (unseen, 3)):
        metasolve.record([*host("time_steps"), "-n", "12", "-changing_steps", str(steps)], out)
    words = ["calls", recording, unseen, "--calls", 40, "--seeds", 1, "--repeats", 1]
    told = ["--out", tmp_path / "out", "--json", tmp_path / "c.json", "--plot", tmp_path / "c.png"]
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in (*words, *told)])
    assert not stop.value.code
    (rows,) = json.loads((tmp_path / "c.json").read_text())["tables"].values()
    assert [row["calls"] for row in rows] == [0, 0, 40, 40]
    assert all(row["mean"] > 0.0 for row in rows)
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
