"""A training of which most calls came to nothing says so, fails, and leaves no model."""

import functools
import os
import re
import sys
from pathlib import Path

import pytest

from metasolve.errors import TrainingError
from metasolve.farm import IsolatedSolver, SerialFarm
from metasolve.solve.outcome import Outcome, Reason
from metasolve.train import TrainConfig
from metasolve.train.losses import Losses
from metasolve.train.session import train_task
from metasolve.train.task import Task

LOST = Outcome.failure(Reason.CRASHED, "signal SIGBUS")
ERROR = Outcome.failure(Reason.ERROR, "KeyError: 'pc_typo'")
KNOWN = Outcome(Reason.CONVERGED, 1, 1.0, 1e-9, 0.0, 1.0)
BIN = Path(sys.executable).parent


def counted(budget, *outcomes):
    losses = Losses(budget)
    for outcome, own in outcomes:
        losses.count(outcome, own)
    return losses


def test_the_first_loss_is_told_with_how_many_there_were():
    losses = counted(4, (KNOWN, True), (LOST, False), (ERROR, True), (LOST, False))
    with pytest.raises(TrainingError, match=r"^calls=4: 3 of them were lost.*SIGBUS; .*--fresh"):
        losses.check()


def test_errors_of_settings_are_no_losses_but_those_of_the_programs_own_are():
    counted(4, *[(ERROR, False)] * 4).check_all()
    with pytest.raises(TrainingError, match="pc_typo"):
        counted(4, *[(ERROR, True)] * 4).check_all()


def test_half_of_the_calls_may_be_lost():
    half = counted(8, *[(LOST, False), (KNOWN, False)] * 4)
    half.check()
    half.check_all()


def test_where_every_call_was_lost_no_further_ones_are_made():
    early = counted(10_000, *[(LOST, True)] * 49)
    early.check()
    early.count(LOST, own=True)
    with pytest.raises(TrainingError):
        early.check()


class Dying:
    """A solver of which nothing is left after so many calls."""

    def __init__(self, solver, calls):
        self.solver, self.calls = solver, calls

    def solve(self, *request):
        self.calls -= 1
        return self.solver.solve(*request) if self.calls >= 0 else LOST


def test_a_training_that_loses_most_ends_without_a_model(analytic, tmp_path):
    """One that loses few goes on: see test_lost_evaluations.py."""
    task, config = Task(analytic.instances(8, 5), analytic.space), TrainConfig(calls=40, batch=4)
    with pytest.raises(TrainingError, match="SIGBUS"):
        train_task(task, SerialFarm(Dying(analytic(), 15)), tmp_path, config)
    assert not (tmp_path / "model.json").exists()


def test_workers_that_cannot_be_made_are_losses(analytic, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "farm")
    import farm_solvers

    farm = SerialFarm(IsolatedSolver(functools.partial(farm_solvers.Misbehaving, fail=True)))
    task = Task(analytic.instances(2, 5), analytic.space)
    with pytest.raises(TrainingError, match=r"calls=2: 2 of them .*exit code 1: .*no such solver"):
        train_task(task, farm, tmp_path, TrainConfig(calls=40))


@pytest.fixture
def no_workers(tmp_path):
    """An environment in which no worker starts, whatever MPI there is."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'metasolve.farm.worker' in sys.orig_argv:\n"
        "    sys.exit('MPI_INIT has failed')\n"
    )
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths)}


@pytest.mark.parametrize("ranks", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_workers_that_cannot_start_fail_the_command(ranks, host, run_program, no_workers, tmp_path):
    pytest.importorskip("petsc4py")
    from metasolve.petsc.recording import record

    record(host("two_ksps"), tmp_path / "recording")
    words = [BIN / "metasolve", "train", tmp_path / "recording", "-o", tmp_path / "model"]
    words = [*map(str, words), "--calls", "30", "--measure", "iterations"]
    done = run_program(words, env=no_workers, ranks=ranks, timeout=300)
    assert done.returncode == 1, done.stdout
    (line,) = [each for each in done.stderr.splitlines() if each.startswith("metasolve: calls=")]
    assert re.search(r"were lost.*the first with: .*MPI_INIT has failed; ", line)
    assert "nothing beats" not in done.stdout
    assert [each.name for each in (tmp_path / "model").iterdir()] == ["events.jsonl"]
