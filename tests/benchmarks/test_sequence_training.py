"""Trainings on sequences: production uses their models, and what was begun is gone on with."""

import pytest

pytest.importorskip("petsc4py")

from benchmarks import sequence_training
from benchmarks.sequence_training import WAYS, run
from metasolve.train.past import evaluations, read_past

CALLS = 24


@pytest.fixture
def small(host, monkeypatch):
    """One program, in place of those of the benchmark."""
    steps = "-n {n} -constant_steps 1 -changing_steps 4"
    programs = {"small, one": f"{' '.join(map(str, host('time_steps')))} {steps}"}
    monkeypatch.setattr(sequence_training, "PROGRAMS", programs)
    monkeypatch.setattr(sequence_training, "SEEN", ((12, 1.0), (14, 1.0)))
    monkeypatch.setattr(sequence_training, "UNSEEN", ((13, 1.0),))


class KilledError(Exception):
    """By whoever lost patience."""


@pytest.mark.slow
def test_what_was_begun_is_gone_on_with(small, tmp_path, capfd):
    told = []

    def impatient(_, done, total):
        assert total == len(WAYS) * CALLS
        told.append(done)
        if done > CALLS // 2:
            raise KilledError

    def measured():
        return len(evaluations(read_past(tmp_path / "small-one" / f"{WAYS[0]}-1")))

    with pytest.raises(KilledError):
        run(CALLS, [1], 1, tmp_path, impatient)
    before, recorded = measured(), (tmp_path / "small-one" / "seen").stat().st_mtime_ns
    assert CALLS // 2 < before < CALLS
    first = run(CALLS, [1], 1, tmp_path)
    assert measured() <= CALLS
    assert (tmp_path / "small-one" / "seen").stat().st_mtime_ns == recorded
    assert run(CALLS, [1], 1, tmp_path).document() == first.document()
    assert told == sorted(told)
    (row,) = first.sections[0].rows
    assert all(row[way] > 0.0 for way in WAYS)
    assert "train again" not in capfd.readouterr().err  # the plug-in would leave every solve alone
