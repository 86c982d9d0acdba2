"""Laws of training a guess."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from benchmarks.guess_cost_training import CostTraining, fit_cost  # noqa: E402
from benchmarks.guess_training import Residuals, Trainee, fit_residuals, fit_solutions  # noqa: E402
from metasolve.guess import Pod, relative_residual  # noqa: E402


@pytest.fixture
def task(affine_family):
    y, matrices, rights, solutions = affine_family
    pod = Pod.fit(solutions, 4)
    return y, pod, Residuals.of(pod, matrices, rights), pod.encode(solutions), matrices, rights


def test_the_quadratic_is_the_squared_residual(task, rng):
    _, pod, residuals, _, matrices, rights = task
    z = rng.standard_normal((20, 4))
    direct = [
        relative_residual(A, b, pod.decode(each)) ** 2
        for A, b, each in zip(matrices, rights, z, strict=True)
    ]
    np.testing.assert_allclose(residuals.squared(torch.as_tensor(z)).numpy(), direct, rtol=1e-9)


def test_its_gradient_is_that_of_the_log_residual(task, rng):
    _, _, residuals, _, _, _ = task
    z, v, step = rng.standard_normal((20, 4)), rng.standard_normal((20, 4)), 1e-6

    def log(at):
        return 0.5 * residuals.squared(torch.as_tensor(at)).log().numpy()

    quotient = (log(z + step * v) - log(z - step * v)) / (2 * step)
    np.testing.assert_allclose((residuals.log_gradient(z) * v).sum(axis=1), quotient, rtol=1e-5)


def held_out(residuals, trainee, y):
    with torch.no_grad():
        return float(residuals.squared(trainee(y)).log()[::5].mean())


def squared_error(trainee, y, target):
    scaled = trainee.outputs(trainee(y).detach().numpy()) - trainee.outputs(target)
    return np.mean(scaled[::5] ** 2)


def test_each_stage_is_kept_only_as_far_as_it_helped(task):
    y, _, residuals, target, _, _ = task
    trainee = Trainee(y, target, hidden=(16,))
    error = squared_error(trainee, y, target)
    fit_solutions(trainee, y, target, steps=300)
    assert squared_error(trainee, y, target) < error
    before = held_out(residuals, trainee, y)
    fit_residuals(trainee, y, residuals, steps=100)
    assert held_out(residuals, trainee, y) <= before


def costs(residuals):
    """Iterations of a solver that gains a digit in ten, and what was asked of it."""
    asked = []

    def cost(row, z):
        asked.append(row)
        squared = residuals.squared(torch.as_tensor(z[None]), [row])
        return 5.0 * float(torch.log10(squared)) + 60.0

    return cost, asked


@pytest.mark.parametrize("control_variate", [False, True])
def test_training_on_the_cost_lowers_it_within_its_calls(task, control_variate):
    y, _, residuals, target, _, _ = task
    trainee = Trainee(y, target, hidden=(16,))
    fit_solutions(trainee, y, target, steps=100)
    before = held_out(residuals, trainee, y)
    cost, asked = costs(residuals)
    options = CostTraining(600, batch=8, share=0.3, control_variate=control_variate)
    spent = fit_cost(trainee, y, residuals, target, cost, options)
    assert spent == len(asked) <= 600
    assert held_out(residuals, trainee, y) < before


def test_the_same_seed_trains_the_same(task):
    y, _, residuals, target, _, _ = task
    found = []
    for _ in range(2):
        trainee = Trainee(y, target, hidden=(8,), seed=3)
        fit_cost(trainee, y, residuals, target, costs(residuals)[0], CostTraining(200, batch=4))
        found.append(trainee.network()(y))
    np.testing.assert_array_equal(*found)


def test_a_coordinate_that_is_exact_is_no_trouble(task):
    y, _, residuals, target, _, _ = task
    target = np.concatenate([target[:, :3], np.zeros((len(target), 1))], axis=1)
    trainee = Trainee(y, target, hidden=(8,))
    fit_cost(trainee, y, residuals, target, costs(residuals)[0], CostTraining(200, batch=4))
    assert np.all(np.isfinite(trainee.network()(y)))
