"""Benchmark ``families``: every contender is there, unseen instances are unseen, numbers add up."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("petsc4py")

from metasolve.bench import families, family_measurement
from metasolve.bench.family_guesses import RIDGE, Plan, fit_ridge
from metasolve.bench.family_measurement import Amounts, Contender, Score, break_even
from metasolve.cli.main import main
from metasolve.family import Family

PROBLEMS = Path(__file__).resolve().parents[2] / "problems"
FEW = Amounts(train=20, validate=2, test=3, repeats=1, search=10)


@pytest.fixture(scope="module")
def measured():
    family = Family.from_toml(PROBLEMS / "poisson1d" / "two_grid.toml")
    plan = Plan("sine", calls=200, steps=60, hidden=(16,))
    return family_measurement.measure(family, [1e-3], "default", 0, plan, FEW)[0]


def test_every_contender_solves_every_unseen_instance(measured):
    names = [score.contender.name for score in measured]
    assert names[:2] == ["zero guess", "best global"]
    assert {"ridge regression", "POD-Galerkin", "net on cost", "ours"} < set(names)
    assert names[-2:] == ["KSPGuess fischer", "KSPGuess pod"]
    for score in measured:
        assert score.seconds.shape == score.iterations.shape == (3,)
        assert np.all(score.seconds > 0)
    assert sum(score.failures for score in measured[:-2]) == 0


def test_calls_are_those_of_getting_there(measured):
    calls = {score.contender.name: score.contender.calls for score in measured}
    assert calls["zero guess"] == 0
    assert calls["ridge regression"] == FEW.train
    assert calls["net on solutions"] == FEW.train < calls["net on cost"] <= FEW.train + 200
    assert calls["ours"] > calls["net on cost"]


def test_solutions_serve_every_tolerance():
    family = Family.from_toml(PROBLEMS / "elasticity3d")
    pytest.importorskip("skfem")
    plan, few = Plan("identity", steps=20, hidden=(8,)), Amounts(8, 1, 1, 1, 4)
    loose, tight = family_measurement.measure(family, [1e-2, 1e-5], "default", 0, plan, few)
    assert loose[0].iterations[0] < tight[0].iterations[0]
    for a, b in zip(loose[2:], tight[2:], strict=True):
        assert a.contender.calls >= 8 or a.contender.solver is None
        assert (a.failures, b.failures) == (0, 0)


def test_training_validation_and_test_do_not_share_an_instance():
    family = Family.from_toml(PROBLEMS / "lognormal_diffusion")
    draw = family_measurement._Draw(family, 1e-3, "small", 0)
    ids = [{i.id for i in draw(stream, 50)} for stream in ("train", "validate", "test")]
    assert len(set.union(*ids)) == 150


def score(seconds, trained=0.0):
    contender = Contender("name", "", None, seconds=trained)
    return Score(contender, np.array(seconds), np.ones(len(seconds)), 0)


def test_rows_compare_total_time_over_seeds():
    seeds = [[score([1.0, 3.0]), score([1.0, 1.0])], [score([2.0, 2.0]), score([3.0, 0.0])]]
    zero, other = families.rows(seeds)
    assert (zero["time"], zero["least"], zero["most"]) == (1.0, 1.0, 1.0)
    assert (other["time"], other["least"], other["most"]) == (0.625, 0.5, 0.75)
    assert other["worst solve"] == 1.5


def test_break_even_counts_solves():
    assert break_even(score([1.0, 2.0], trained=6.0), score([2.0, 4.0])) == pytest.approx(4.0)
    assert break_even(score([3.0], trained=6.0), score([2.0])) == np.inf


def test_ridge_regression_is_tuned_by_held_out_rows():
    x = np.random.default_rng(0).standard_normal((80, 2))
    ridge = fit_ridge(x, x[:, :1] ** 2)
    assert ridge.degree >= 2
    np.testing.assert_allclose(ridge(x), x[:, :1] ** 2, atol=1e-6)


def test_the_command_prints_a_table_and_writes_its_files(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(families.PLANS, "poisson1d", Plan("sine", steps=20, hidden=(8,)))
    case = str(PROBLEMS / "poisson1d")
    words = ["bench", "families", case, "--seeds", "1", "--train", "16", "--test", "2"]
    words += ["--repeats", "1", "--search", "8", "--plot", str(tmp_path / "f.png")]
    with pytest.raises(SystemExit) as end:
        main([*words, "--json", str(tmp_path / "f.json")])
    assert end.value.code == 0
    assert "contender" in capsys.readouterr().out
    document = json.loads((tmp_path / "f.json").read_text())
    rows, (overview,) = document["tables"].values()
    times = {row["contender"]: row["time"] for row in rows}
    assert list(times)[:3] == ["zero guess", "best global", RIDGE]
    assert overview["its time"] == times[overview["strongest classical"]]
    assert overview["ours over zero"] == pytest.approx(1.0 / times["ours"])
    assert (tmp_path / "f.png").stat().st_size > 1000


def test_a_size_that_no_family_has_is_named(capsys):
    with pytest.raises(SystemExit) as end:
        main(["bench", "families", str(PROBLEMS / "poisson1d"), "--size", "huge"])
    assert end.value.code == 2
    assert "huge" in capsys.readouterr().err
