from itertools import islice

import numpy as np
import pytest

pytest.importorskip("petsc4py")
pytest.importorskip("skfem")

from benchmarks import corpus
from benchmarks.corpus_kinds import KINDS
from benchmarks.corpus_saddles import SADDLES
from metasolve.petsc.capabilities import of_petsc4py
from metasolve.petsc.contract import Measure
from metasolve.prior import read_candidates
from metasolve.prior.corpus import Row, read_corpus
from metasolve.report.result import silent

NAMES = {"cg+icc0", "gmres+ilu0", "lu-petsc"}
NAMES |= {"lu-umfpack"} & {f"lu-{package}" for package in of_petsc4py().packages}
SOME = [each for each in read_candidates() if each.name in NAMES]
TASK = corpus.Task("line", 0)
NONSYMMETRIC = {"transport2d", "transport3d", "transport_steps", "transport_elements", "oseen"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_draws_the_same_system_for_the_same_number(kind):
    task = corpus.Task(kind, 1)
    one, other = (KINDS[kind][1](task.rng(), 700.0) for _ in range(2))
    assert (one.A != other.A).nnz == 0
    assert (one.b == other.b).all()
    assert one.A.shape == (len(one.b), len(one.b))
    assert 300 <= len(one.b) <= 1500
    assert len(one.b) % one.block_size == 0
    assert np.isfinite(one.A.data).all()
    assert np.abs(one.b).max() > 0
    skew = abs(one.A - one.A.T).max() / abs(one.A).max()
    if kind in NONSYMMETRIC:
        assert skew > 1e-6
    elif kind not in ("kept_rows", "reaction"):
        assert skew < 1e-10


def test_numbers_differ_and_kinds_take_turns():
    drawn = list(islice(corpus.tasks(("a", "b")), 4))
    assert [(each.kind, each.number) for each in drawn] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    numbers = {each.rng().random() for each in drawn}
    assert len(numbers) == 4


def test_sizes_are_in_the_range_and_mostly_above_three_thousand():
    drawn = np.array([corpus.size(np.random.default_rng(i)) for i in range(2000)])
    assert corpus.SMALLEST <= drawn.min() < drawn.max() <= corpus.LARGEST
    assert np.mean(drawn > 3e3) > 0.65
    assert np.mean(drawn > 5e4) < 0.12


def test_large_ones_are_spread_evenly_beyond():
    drawn = [corpus.size(np.random.default_rng(i), large=True) for i in range(400)]
    assert corpus.LOW <= min(drawn) < 1.1 * corpus.LOW
    assert 0.9 * corpus.HIGH < max(drawn) <= corpus.HIGH
    assert next(corpus.tasks(("a",), corpus.LARGE)).large
    assert not next(corpus.tasks(("a",))).large


@pytest.mark.parametrize("kind", SADDLES)
def test_saddle_points_have_zeros_on_the_diagonal_and_are_not_singular(kind):
    drawn = KINDS[kind][1](corpus.Task(kind, 2).rng(), 400.0)
    share = np.mean(drawn.A.diagonal() == 0.0)
    assert 0.02 < share < 0.5
    assert np.linalg.cond(drawn.A.toarray()) < 1e10


def test_contracts_are_iterative_and_direct():
    drawn = KINDS["line"][1](np.random.default_rng(0), 600.0)
    asked = [corpus.contract(np.random.default_rng(i), drawn, TASK) for i in range(300)]
    direct = [each for each in asked if each[0] is Measure.BACKWARD]
    assert 75 < len(direct) < 135
    assert {tolerance for _, tolerance in direct} == {corpus.EXACT}
    loose = [tolerance for measure, tolerance in asked if measure is Measure.NORM]
    assert 1e-10 <= min(loose) < 1e-8
    assert 1e-5 < max(loose) <= 1e-3


def test_patience_grows_with_the_best_so_far():
    assert corpus.allowance(None, True) == corpus.MOST
    assert corpus.allowance(None, False) == corpus.FIRST
    assert corpus.allowance(1e-4, False) == corpus.LEAST
    assert corpus.allowance(0.02, False) == corpus.PATIENCE * 0.02
    assert corpus.allowance(0.02, True) == corpus.DEFAULT_PATIENCE * 0.02
    assert corpus.allowance(10.0, True) == corpus.IMPATIENCE * 10.0
    assert corpus.allowance(None, True, 5.0) == 5.0 * corpus.MOST


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(corpus, "USUAL", 600.0)
    monkeypatch.setattr(corpus, "LARGEST", 700.0)


@pytest.fixture
def bench(small):
    made = corpus.Bench(SOME)
    yield made
    made.close()


def test_a_system_is_measured_under_what_may_be_used(bench):
    row = bench.row(corpus.Task("poisson2d", 0))
    assert set(row.taken) == {each.name for each in SOME}
    assert all(each.good and 0 < each.total < 1 for each in row.taken.values())
    assert all(each.residual <= 1.001 * row.tolerance for each in row.taken.values())
    assert row.symmetric
    other = bench.row(corpus.Task("transport2d", 0))
    assert set(other.taken) == {each.name for each in SOME if not each.symmetric}


def test_direct_solves_are_judged_by_their_backward_error(bench, monkeypatch):
    monkeypatch.setattr(corpus, "DIRECT_SHARE", 1.0)
    row = bench.row(corpus.Task("poisson2d", 0))
    assert row.direct
    assert row.features["log_tolerance"] == pytest.approx(-15.0)
    assert row.taken["lu-petsc"].good
    assert row.taken["lu-petsc"].residual < corpus.EXACT


def test_it_goes_on_where_it_stopped(small, tmp_path, monkeypatch):
    path, asked = tmp_path / "corpus.jsonl", []

    def row(_, task):
        asked.append((task.kind, task.number))
        if len(asked) % 3 == 0:
            raise KeyboardInterrupt
        return Row(task.kind, "x", task.number, "norm", 1e-6, {}, {}, "a machine")

    monkeypatch.setattr(corpus.Bench, "row", row)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            corpus.measure(path, SOME, 60.0, silent)
    with path.open("a") as out:
        out.write('{"kind":"torn')
    assert corpus.measure(path, SOME, 0.0, silent) == 6
    kinds = list(KINDS)
    assert [(row.kind, row.number) for row in read_corpus(path)] == [(k, 0) for k in kinds[:6]]
