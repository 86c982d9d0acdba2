"""Laws of the mixture that Frank-Wolfe moves: unbiased, feasible, best where costs are known."""

import numpy as np
import pytest
import torch

from metasolve.farm import SerialFarm
from metasolve.solve.instance import Instance
from metasolve.space import Choice, Real, Space
from metasolve.train import TrainConfig
from metasolve.train.arms import Arms
from metasolve.train.inputs import Inputs
from metasolve.train.learner import Correction
from metasolve.train.mixture import Mixture
from metasolve.train.policy import Incumbents
from metasolve.train.session import train_task
from metasolve.train.task import Task
from metasolve.train.teacher import Lesson, Teacher

SPACE = Space(
    (
        Choice("pc_type", ("sor", "gamg", "icc"), symmetric=("icc",)),
        Real("omega", -1.0, 1.0, default=0.0, when={"pc_type": ("sor", "icc")}),
        Real("threshold", -1.0, 1.0, default=0.0, when={"pc_type": ("gamg",)}),
    )
)
ARMS = Arms(SPACE)
BEST, BOTTOM = (
    np.array([0.6, -0.4, 0.9]),
    np.array([0.3, 0.0, 0.2]),
)  # of each arm: where, and how much
INPUTS = Inputs.of([Instance(str(i), {"x": float(i)}) for i in range(3)])


def cost(numbers):
    """Of each arm (arms,), at coordinates (arms, dim)."""
    return BOTTOM + (((numbers - BEST[:, None]) * ARMS.mask) ** 2).sum(axis=1)


def nothing(x, encoded):
    """A surrogate's objective that knows nothing."""
    return 0.0 * encoded.sum(dim=2)


def mixture(objective=nothing, kept=(0, 1, 2)):
    known = torch.nn.Module(), ARMS, INPUTS, [0, 1, 2], list(kept)
    return Mixture(*known, objective, ARMS.usual, seed=0)


def measured(learner, arm, drawn):
    """Exact measurements of one arm, drawn with a probability."""
    numbers = np.array([learner.numbers(0, each) for each in range(ARMS.count)])
    slope = 2.0 * (numbers - BEST[:, None]) * ARMS.mask
    x = learner.inputs[:1]
    chance = learner.chances(0)[arm]
    known = np.array([arm]), np.array([chance]), np.array([drawn])
    return Correction(x, learner.symmetric(x), *known, slope[[arm]], cost(numbers)[[arm]])


def test_what_is_added_has_the_gradient_as_its_mean():
    learner, q = mixture(), np.array([0.2, 0.5, 0.3])
    costs, slopes = np.zeros(3), np.zeros((3, SPACE.dim))
    for arm in range(3):
        some, their = np.zeros(3), np.zeros((3, SPACE.dim))
        learner._add(measured(learner, arm, q[arm]), some, their)
        costs, slopes = costs + q[arm] * some, slopes + q[arm] * their
    np.testing.assert_allclose(costs, cost(learner.table), rtol=1e-12)
    np.testing.assert_allclose(slopes, 2.0 * (learner.table - BEST[:, None]) * ARMS.mask)


def test_measurements_alone_lead_to_the_best_arm_and_its_numbers():
    learner, rng = mixture(), np.random.default_rng(0)
    for _ in range(1500):
        q = 0.85 * learner.shares + 0.05
        arm = int(rng.choice(3, p=q))
        learner.correct(measured(learner, arm, q[arm]))
        assert learner.shares.min() >= 0.0
        assert learner.shares.sum() == pytest.approx(1.0)
        assert np.abs(learner.table[ARMS.mask > 0]).max() <= 1.0
    assert learner.settings()["pc_type"] == "gamg"
    assert learner.settings()["threshold"] == pytest.approx(-0.4, abs=0.1)


def test_one_arm_without_numbers_is_no_reason_to_fail():
    space = Space((Choice("pc_type", ("jacobi", "none")),))
    arms = Arms(space)
    alone = Mixture(torch.nn.Module(), arms, INPUTS, [0], [1], nothing, arms.usual, seed=0)
    alone.finish()
    assert alone.settings() == {"pc_type": "none"}


@pytest.mark.parametrize("symmetric", [True, False])
def test_what_not_every_operator_admits_is_not_in_play(symmetric):
    features = [{"log_asymmetry": -16.0 if symmetric or i else 0.0} for i in range(3)]
    inputs = Inputs.of([Instance(str(i), each) for i, each in enumerate(features)])

    def objective(x, encoded):
        return nothing(x, encoded) + torch.as_tensor(BOTTOM[: encoded.shape[1]]).float()

    teacher = Teacher(ARMS, inputs, torch.nn.Module(), None, [0, 1, 2], 0.5, 0, Silent())
    best = Incumbents(ARMS.usual, BOTTOM, np.tile(BOTTOM, (3, 1)))
    kept = Lesson(teacher, objective, best).mixture().kept.tolist()
    assert kept == ([0, 1, 2] if symmetric else [0, 1])


class Silent:
    def emit(self, *_, **__):
        pass


def test_a_training_by_frank_wolfe_finds_one_setting_for_all(analytic, hasty, tmp_path):
    task = Task(analytic.instances(24, 5), analytic.space)
    config = TrainConfig(calls=150, seed=3, measure="iterations", optimizer="frank-wolfe")
    model = train_task(task, SerialFarm(analytic()), tmp_path, config)
    names = set(model.info["validation"])
    assert "mixture" in names
    assert not any("policy" in name for name in names)
    assert model.kind in ("global", "default")
    solver, unseen = analytic(), analytic.instances(50, 9)
    regrets = [solver.regret(each, model.choice(each.features)) for each in unseen]
    assert np.mean(regrets) < np.mean([solver.regret(each, {}) for each in unseen])
