"""`metasolve guess case.toml`: a start of Newton's method, learned from runs and then used."""

import json

import pytest

pytest.importorskip("petsc4py")

from metasolve.cli.main import main
from metasolve.errors import UsageError
from metasolve.model.directory import load
from metasolve.program import solutions
from metasolve.program.evaluation import evaluate_case
from metasolve.program.newton import learn_start
from metasolve.program.production import run_program as run_accelerated
from metasolve.report.evaluation import DEFAULT, MODEL

CASE = """
name = "bratu"
command = "{binary} -da_grid_x 20 -da_grid_y 20 -par {{par}} -snes_converged_reason {more}"
timeout = 30
rerunnable = true

[[vary]]
name = "par"
type = "real"
low = 0.5
high = 6.5

[settings]
through = "petsc"

[[space.setting]]
name = "snes_lag_jacobian"
type = "integer"
low = 1
high = 3
default = 1

[cost]
pattern = 'iterations (\\d+)'
unit = "count"

[success]
pattern = "solve converged"
"""


@pytest.fixture
def case(tutorial, tmp_path):
    """`case()`: a case.toml of PETSc's SNES ex5, whose cost is the number of Newton steps."""

    def write(more=""):
        (binary,) = tutorial("snes/ex5")
        path = tmp_path / "case.toml"
        path.write_text(CASE.format(binary=binary, more=more))
        return path, binary

    return write


def test_it_is_learned_kept_and_used(case, tmp_path, capfd, run_program):
    path, binary = case()
    model = tmp_path / "model"
    with pytest.raises(SystemExit) as end:
        main(["guess", str(path), "-o", str(model), "--runs", "24", "--repeats", "1", "--json"])
    assert end.value.code == 0
    found = json.loads(capfd.readouterr().out)
    assert found["kept"]
    assert found["time"] < 0.9
    assert found["failures"] == 0
    assert (found["learned"], found["validated"], found["rows"]) == (18, 6, 400)
    known = load(model)
    assert known.kind == "default"
    assert known.info["newton"] == found
    evaluation = evaluate_case(model, repeats=1, limit=5, global_baseline=False)
    steps = {
        name: sum(each.outcome.iterations for each in evaluation.measured[name].values())
        for name in (MODEL, DEFAULT)
    }
    assert steps[MODEL] < steps[DEFAULT]
    assert evaluation.wrong_results() == 0

    words = [binary, "-da_grid_x", "20", "-da_grid_y", "20", "-par", "3.3"]
    words += ["-snes_converged_reason"]
    own = run_program(words).stdout
    capfd.readouterr()
    assert run_accelerated(model, words, log=tmp_path / "log") == 0
    ours = capfd.readouterr().out
    assert json.loads((tmp_path / "log").read_text())["learned_start"]
    assert int(ours.split("iterations")[1]) < int(own.split("iterations")[1])


def test_after_a_kill_recorded_runs_are_not_made_again(case, tmp_path, monkeypatch):
    path, _ = case()
    model = tmp_path / "model"

    def killed(_, done, __):
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn_start(path, model, runs=24, repeats=1, progress=killed)
    made = []
    run = solutions.run
    monkeypatch.setattr(solutions, "run", lambda *given: made.append(run(*given)))
    found = learn_start(path, model, runs=24, repeats=1)
    assert found.kept
    assert len(made) == found.learned - 10
    assert not (model / "runs").exists()


def test_what_does_not_pay_is_not_kept(case, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("metasolve.program.newton._WORTH", 0.0)
    path, _ = case()
    with pytest.raises(SystemExit) as end:
        main(["guess", str(path), "-o", str(tmp_path / "m"), "--runs", "24", "--repeats", "1"])
    assert end.value.code == 1
    assert "nothing written" in capsys.readouterr().out
    assert not (tmp_path / "m").exists()


def test_what_makes_runs_fail_is_not_kept_and_says_why(case, tmp_path, capsys):
    path, _ = case()
    quick = "failure = 'iterations [012]\\b'\n"  # the program's own start takes more
    path.write_text(path.read_text() + quick)
    with pytest.raises(SystemExit) as end:
        main(["guess", str(path), "-o", str(tmp_path / "m"), "--runs", "24", "--repeats", "1"])
    assert end.value.code == 1
    told = capsys.readouterr().out
    assert "failed with the start and not without" in told
    assert "success.failure='iterations [012]" in told.replace("\n", "")
    assert "nothing written" in told


def test_a_program_without_newton_is_told_so(script, tmp_path):
    with pytest.raises(UsageError, match="at most 0 runs"):
        learn_start(script(), tmp_path / "model", runs=16)


def test_solutions_of_many_lengths_are_noticed_after_a_few_runs(case, tutorial, tmp_path):
    """PETSc's SNES ex2 keeps its grid to itself: there is nothing to carry a solution over by."""
    path, binary = case()
    (other,) = tutorial("snes/ex2")
    varied = path.read_text().replace("-da_grid_x 20 -da_grid_y 20 -par {par}", "-n {n}")
    varied = varied.replace(binary, other).replace('name = "par"', 'name = "n"')
    varied = varied.replace('"real"\nlow = 0.5\nhigh = 6.5', '"integer"\nlow = 9\nhigh = 900')
    path.write_text(varied)
    runs = []
    with pytest.raises(UsageError, match="at most 1 runs"):
        learn_start(path, tmp_path / "model", progress=lambda _, done, __: runs.append(done))
    assert len(runs) < 10
    assert not (tmp_path / "model").exists()


def test_one_start_serves_many_grids(case, tmp_path):
    path, _ = case()
    varied = path.read_text().replace("-da_grid_x 20 -da_grid_y 20", "-da_grid_x {n} -da_grid_y 9")
    grid = '[[vary]]\nname = "n"\ntype = "integer"\nlow = 9\nhigh = 40\n\n[settings]'
    path.write_text(varied.replace("[settings]", grid))
    found = learn_start(path, tmp_path / "model", runs=32, repeats=1)
    assert found.kept
    assert found.grids > 10
    assert found.time < 0.8
    assert found.worst <= 1.0
