"""Candidates that came later are measured on the systems of before, in the seconds of before."""

from dataclasses import replace

import pytest

pytest.importorskip("petsc4py")
pytest.importorskip("skfem")

from benchmarks import corpus, corpus_later
from metasolve.prior import read_candidates
from metasolve.prior.corpus import Taken, read_corpus, write_corpus
from metasolve.report.result import silent

ALL = {each.name: each for each in read_candidates()}
BEFORE = [ALL["cg+icc0"], ALL["gmres+ilu0"]]
NOW = [ALL["cg+icc0"], ALL["cg+icc1"], ALL["gmres+ilu0"]]
SLOWER = 8.0


@pytest.fixture
def before(monkeypatch, tmp_path):
    """A corpus of a machine that is slower: a system of each rule, and one of a kind of before."""
    monkeypatch.setattr(corpus, "USUAL", 600.0)
    monkeypatch.setattr(corpus, "LARGEST", 700.0)
    bench = corpus.Bench(BEFORE)
    rows = [bench.row(corpus.Task("poisson2d", 1)), bench.row(corpus.Task("line", 0, early=True))]
    rows.append(bench.row(corpus.Task("transport2d", 0)))
    bench.close()
    slow = [replace(row, taken={k: _slower(t) for k, t in row.taken.items()}) for row in rows]
    other = {**slow[0].features, "log_rows": 2.0}
    slow.append(replace(slow[0], number=7, features=other))
    write_corpus(slow, tmp_path / "before.gz")
    return tmp_path / "before.gz", slow


def _slower(taken):
    return replace(taken, setup=SLOWER * taken.setup, solve=SLOWER * taken.solve)


def test_what_was_measured_stays_and_what_came_later_is_scaled(before, tmp_path, monkeypatch):
    """All take 3 ms today: what came later gets what the fastest one of before took then."""
    source, slow = before
    today = Taken(1e-3, 2e-3, 7, 1e-9, "CONVERGED", 1.0)
    monkeypatch.setattr(corpus.Bench, "repeated", lambda *_: today)
    path = tmp_path / "later.jsonl"
    assert corpus_later.measure_later(source, path, NOW, silent) == (3, 1)
    found = {(row.kind, row.number): row for row in read_corpus(path)}
    for row in slow[:3]:
        now = found[row.kind, row.number].taken
        assert all(
            now[name].total == pytest.approx(row.taken[name].total, rel=1e-3) for name in row.taken
        )
        assert set(now) - set(row.taken) == ({"cg+icc1"} if row.symmetric else set())
    for row in slow[:2]:
        now = found[row.kind, row.number].taken
        best = min(taken.total for taken in row.taken.values())
        assert now["cg+icc1"].total == pytest.approx(best, rel=1e-3)
        assert now["cg+icc1"].setup == pytest.approx(best / 3, rel=1e-3)


def test_it_goes_on_where_it_stopped(before, tmp_path, monkeypatch):
    source, _ = before
    path = tmp_path / "later.jsonl"
    corpus_later.measure_later(source, path, NOW, silent)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert corpus_later.measure_later(source, path, NOW, silent) == (3, 1)
    assert whole.count(b"\n") == path.read_bytes().count(b"\n")
    monkeypatch.setattr(corpus_later, "_completed", None)
    rows = [row for row in read_corpus(source) if (row.kind, row.number) != ("poisson2d", 7)]
    write_corpus(rows, source)
    assert corpus_later.measure_later(source, path, NOW, silent) == (3, 0)
