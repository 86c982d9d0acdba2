"""How far recorded operators move: what the plug-in sees, and what it makes of a sequence."""

import shutil
from dataclasses import replace

import pytest

import metasolve
from metasolve.model.pinned import pin
from metasolve.petsc.drift import Sample, drifts
from metasolve.petsc.in_order import How, sequences, solve_in_order
from metasolve.petsc.recording import Recording
from metasolve.recorded.reading import systems

pytestmark = pytest.mark.skipif(shutil.which("mpicc") is None, reason="the plug-in is compiled")


@pytest.fixture(scope="module")
def recorded(host, tmp_path_factory):
    """Two systems of one operator, then four of others."""
    out = tmp_path_factory.mktemp("drift") / "recording"
    steps = ["-n", "24", "-constant_steps", "2", "-changing_steps", "4"]
    return metasolve.record([*host("time_steps"), *steps], out)


def test_the_plug_in_sees_the_same(recorded, tmp_path, monkeypatch):
    monkeypatch.setenv("METASOLVE_DETERMINISTIC", "1")
    pin(tmp_path / "model", {"ksp_type": "gmres", "pc_type": "ilu", "pc_factor_levels": "6"})
    (sequence,) = sequences(recorded.instances())
    solved = solve_in_order(sequence, tmp_path / "model", How.KEPT)
    built, seen = None, 0
    for instance, (_, line) in zip(sequence, solved, strict=True):
        now = Sample.of(instance.payload.operator)
        if line["moved"] is not None:
            assert line["moved"] == pytest.approx(built.change(now), rel=1e-3, abs=1e-6)
            seen += 1
        if line["preconditioner"] in ("built", "updated", "rebuilt"):
            built = now
    assert seen > 0


def test_what_is_only_scaled_has_not_moved(recorded):
    one, *_, other = [Sample.of(each) for each in recorded.operators().values()]
    scaled = replace(one, diagonal=7.0 * one.diagonal, values=7.0 * one.values)
    assert one.change(scaled) == pytest.approx(0.0, abs=1e-6)
    assert one.change(other) == pytest.approx(other.change(one))
    assert one.change(other) > 0.1
    columns = one.columns.copy()
    columns[:5] += 1
    assert one.change(replace(one, columns=columns)) > 0.01


def test_a_sequence_has_a_drift_and_one_operator_has_none(recorded):
    learned = systems(Recording(recorded.path), None)
    (drift,) = {each.drift for each in learned}
    operators = len(recorded.operators())
    assert (drift.operators, len(learned)) == (operators, 6)
    assert drift.moved > 0.05
    still = [each.payload for each in learned if each.setup_share < 1.0]
    assert drifts(still) == [None, None]
