"""Benchmark ``families``: every contender is there, unseen instances are unseen, numbers add up."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("petsc4py")

from benchmarks import families
from benchmarks.__main__ import main
from benchmarks.families import members
from benchmarks.family_guesses import RIDGE, Plan, fit_ridge
from benchmarks.family_model import Draw
from benchmarks.family_score import Amounts, Score, break_even
from metasolve.errors import UsageError
from metasolve.family import Family

PROBLEMS = Path(__file__).resolve().parents[2] / "problems"
FEW = Amounts(train=24, test=3, calls=60, repeats=1)
TWO_GRID = PROBLEMS / "poisson1d" / "two_grid.toml"
SMALL = ["--train", "24", "--test", "3", "--calls", "60", "--repeats", "1", "--seeds", "1"]


@pytest.fixture(scope="module")
def kept(hastily, tmp_path_factory):
    """Where a benchmark of one family and seed, with networks, kept what it measured."""
    out = tmp_path_factory.mktemp("parts")
    plan = Plan("sine", calls=200, steps=60, hidden=(16,))
    with pytest.MonkeyPatch.context() as patch, hastily():
        patch.setitem(families.PLANS, "poisson1d_two_grid", plan)
        families.run(members([TWO_GRID]), [0], FEW, networks=True, out=out)
    return out


@pytest.fixture
def measured(kept):
    (part,) = kept.iterdir()
    return [Score(**each) for each in json.loads(part.read_text())["found"]["scores"]]


def test_every_contender_solves_every_unseen_instance(measured):
    names = [score.contender for score in measured]
    assert names[:3] == ["default", "default, its own norm", "best global"]
    assert {"hand rule", "nearest neighbours", "ours"} < set(names)
    assert {"ridge regression", "POD-Galerkin", "net on cost"} < set(names)
    assert "previous solution" in names
    assert names[-2:] == ["KSPGuess fischer", "KSPGuess pod"]
    for score in measured:
        assert len(score.seconds) == len(score.iterations) == 3
        assert min(score.seconds) > 0
    assert not any(any(score.failed) for score in measured[:-2])


def test_calls_are_those_of_getting_there(measured):
    calls = {score.contender: score.calls for score in measured}
    assert calls["default"] == calls["hand rule"] == 0
    assert FEW.calls * 0.9 <= calls["best global"] <= calls["ours"]
    assert calls["ridge regression"] == FEW.train - 8
    assert calls["net on solutions"] == FEW.train - 8 < calls["net on cost"]


def test_systems_of_many_sizes_have_no_guess_in_common(tmp_path, hasty):
    """Of several kinds of systems, and what is finished is not measured again."""
    (tmp_path / "problem.py").write_text(PROBLEM)
    (tmp_path / "case.toml").write_text(CASE)
    chosen, out = members([tmp_path]), tmp_path / "out"
    result = families.run(chosen, [0], FEW, out=out).result
    table, (overview,) = (section.rows for section in result.sections)
    names = [row["contender"] for row in table]
    assert names[-1] == "ours"
    assert "hand rule" in names
    assert overview["strongest classical"] in ("hand rule", "nearest neighbours")
    assert len(list(out.iterdir())) == 1
    (tmp_path / "problem.py").unlink()
    again = families.run(chosen, [0], FEW, out=out).result
    assert again.document() == result.document()
    with pytest.raises(UsageError, match="holds other options"):
        families.run(chosen, [0], Amounts(train=25), out=out)


CASE = """
name = "sizes"
problem = "problem.py"
tolerances = [1e-6]
[[vary]]
name = "n"
type = "integer"
low = 20
high = 60
[[vary]]
name = "wind"
type = "real"
low = 0.0
high = 1.0
"""
PROBLEM = """
import numpy as np
import scipy.sparse as sp

def system(n, wind):
    line = sp.diags([-1.0 - wind, 2.0 + wind, -1.0], [-1, 0, 1], shape=(n, n))
    eye = sp.eye(n)
    return sp.csr_matrix(sp.kron(line, eye) + sp.kron(eye, line)), np.ones(n * n)
"""


def test_a_folder_of_folders_is_all_that_can_be_set(tmp_path):
    names = {member.name for member in members([PROBLEMS])}
    assert {"bratu", "heat_steps", "mixed, rtol 1e-06", "sor"} < names
    assert {"lognormal_diffusion, n=160, rtol 0.001", "poisson1d, n=31, rtol 0.001"} < names
    assert "elasticity3d_boomeramg, cells=14 along=48, rtol 0.001" in names
    assert not any(name.startswith("convection_diffusion") for name in names)
    with pytest.raises(UsageError, match="no such folder"):
        members([PROBLEMS / "mixed" / "no such folder"])
    with pytest.raises(UsageError, match="no family in"):
        members([tmp_path])


def test_training_and_test_do_not_share_an_instance():
    family = Family.from_toml(PROBLEMS / "lognormal_diffusion")
    draws = [Draw(family, 1e-3, "small", seed) for seed in (0, 1)]
    ids = [{i.id for i in draw(name, 50)} for draw in draws for name in ("train", "test")]
    assert len(set.union(*ids)) == 200


def score(seconds, trained=0.0, name="default", failed=()):
    lost = [place in failed for place in range(len(seconds))]
    return Score(name, "", seconds, [1.0] * len(seconds), lost, 0, trained)


def test_rows_compare_total_time_over_seeds():
    seeds = [
        [score([1.0, 3.0]), score([1.0, 1.0], name="it")],
        [score([2.0, 2.0]), score([3.0, 0.5], name="it")],
    ]
    zero, other = families.rows(seeds)
    assert (zero["time"], zero["least"], zero["most"]) == (1.0, 1.0, 1.0)
    assert (other["time"], other["least"], other["most"]) == (0.6875, 0.5, 0.875)
    assert other["worst solve"] == 1.5
    assert other["each"] == pytest.approx((1 / 3 * 1.5 / 4) ** 0.25)


def test_what_a_contender_fails_on_costs_the_default_as_well():
    zero, other = families.rows([[score([1.0, 3.0]), score([1.0, 1.0], name="it", failed=[1])]])
    assert other["failed"] == 1
    assert other["time"] == pytest.approx(5 / 4)
    assert other["worst solve"] == pytest.approx(4 / 3)
    assert zero["failed"] == 0


def test_break_even_counts_solves():
    assert break_even(score([1.0, 2.0], trained=6.0), score([2.0, 4.0])) == pytest.approx(4.0)
    assert break_even(score([3.0], trained=6.0), score([2.0])) == np.inf


def test_ridge_regression_is_tuned_by_held_out_rows():
    x = np.random.default_rng(0).standard_normal((80, 2))
    ridge = fit_ridge(x, x[:, :1] ** 2)
    assert ridge.degree >= 2
    np.testing.assert_allclose(ridge(x), x[:, :1] ** 2, atol=1e-6)


def test_the_command_prints_a_table_and_writes_its_files(kept, tmp_path, capsys):
    """Of what is kept, so that it measures nothing."""
    words = ["families", str(TWO_GRID), *SMALL, "--networks", "--out", str(kept)]
    words += ["--plot", str(tmp_path / "f.png")]
    with pytest.raises(SystemExit) as end:
        main([*words, "--json", str(tmp_path / "f.json")])
    assert end.value.code == 0
    assert "contender" in capsys.readouterr().out
    document = json.loads((tmp_path / "f.json").read_text())
    rows, (overview,) = document["tables"].values()
    by_name = {row["contender"]: row for row in rows}
    assert list(by_name)[:3] == ["default", "default, its own norm", "best global"]
    assert RIDGE in by_name
    assert overview["its time"] == by_name[overview["strongest classical"]]["time"]
    assert overview["x default"] == pytest.approx(1.0 / by_name["ours"]["each"])
    assert (tmp_path / "f.png").stat().st_size > 1000


def test_a_size_that_no_family_has_is_named(capsys):
    with pytest.raises(SystemExit) as end:
        main(["families", str(PROBLEMS / "poisson1d"), "--size", "huge"])
    assert end.value.code == 2
    assert "huge" in capsys.readouterr().err
