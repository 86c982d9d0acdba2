"""Generated systems are solved as recorded ones are; guesses change where a solve starts, only."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

PETSc = pytest.importorskip("petsc4py.PETSc")

from metasolve.errors import UsageError  # noqa: E402
from metasolve.family import Family  # noqa: E402
from metasolve.guess import Guess, Identity  # noqa: E402
from metasolve.petsc.guessed import Guessed  # noqa: E402
from metasolve.petsc.replay import Replay  # noqa: E402
from metasolve.petsc.sequence import solve_in_sequence  # noqa: E402
from metasolve.petsc.snapshots import snapshots  # noqa: E402
from metasolve.solve.outcome import Reason  # noqa: E402

PROBLEMS = Path(__file__).resolve().parents[2] / "problems"


@pytest.fixture(scope="module")
def family():
    return Family.from_toml(PROBLEMS / "lognormal_diffusion")


@pytest.fixture(scope="module")
def data(family):
    return snapshots(family.instances(6, 0, 1e-6, "small"))


@pytest.fixture
def replay(family):
    replay = Replay(space=family.space)
    yield replay
    replay.destroy()


class Recalls:
    """Predicts a multiple of the solution of the instance with these features."""

    def __init__(self, data, factor=1.0):
        self._data, self._factor = data, factor

    def __call__(self, features):
        row = int(np.argmin(np.abs(self._data.features - features).sum(axis=1)))
        return self._factor * self._data.solutions[row]


def recalled(data, factor=1.0):
    return Guess(Identity(data.solutions.shape[1]), Recalls(data, factor))


def test_snapshots_solve_the_systems(data):
    for A, b, x in zip(data.matrices, data.right_sides, data.solutions, strict=True):
        assert np.linalg.norm(b - A @ x) <= 1e-9 * np.linalg.norm(b)
    assert not data.one_operator
    assert data.seconds > 0


def test_the_systems_own_settings_and_the_spaces_defaults_agree(replay, family, data):
    for instance in data.instances:
        own = replay.solve_host(instance, equal_residual=True)
        same = replay.solve(instance, family.space.defaults())
        assert own.ok
        assert own.fractional_iterations == same.fractional_iterations
        assert own.true_residual == same.true_residual <= 1e-6 * 1.001


def test_the_residual_is_that_of_the_system_in_numpy(replay, data):
    instance = data.instances[0]
    A, b = instance.payload.assemble()
    x = np.random.default_rng(0).standard_normal(b.size)
    start = replace(instance, payload=replace(instance.payload, guess=x, max_it=1))
    norms = replay.solve_host(start, equal_residual=True).history
    assert norms[0] == pytest.approx(np.linalg.norm(b - A @ x))


def test_the_solution_as_guess_is_the_answer_and_nothing_is_set_up(replay, data):
    solver = Guessed(replay, recalled(data))
    outcome = solver.solve(data.instances[1], {})
    assert outcome.reason is Reason.CONVERGED
    assert outcome.iterations == 0
    assert outcome.setup_seconds == 0.0
    assert outcome.solve_seconds > 0.0


@pytest.mark.parametrize("factor", [0.999, 0.5])
def test_a_guess_saves_iterations_at_equal_accuracy(replay, data, factor):
    zero, guessed = Guessed(replay), Guessed(replay, recalled(data, factor))
    for instance in data.instances:
        plain, outcome = zero.solve(instance, {}), guessed.solve(instance, {})
        assert outcome.ok
        assert outcome.true_residual <= 1.001e-6
        assert outcome.fractional_iterations < plain.fractional_iterations


def test_a_guess_worse_than_zero_changes_nothing(replay, data):
    zero, guessed = Guessed(replay), Guessed(replay, recalled(data, -50.0))
    for instance in data.instances:
        plain, outcome = zero.solve(instance, {}), guessed.solve(instance, {})
        assert outcome.fractional_iterations == plain.fractional_iterations
        assert outcome.true_residual == plain.true_residual


def test_petscs_guesses_refuse_an_operator_that_changes(data):
    with pytest.raises(UsageError, match="operator changes"):
        solve_in_sequence(data.instances, {"ksp_guess_type": "fischer"})


@pytest.mark.parametrize("kind", ["fischer", "pod"])
def test_petscs_guesses_save_iterations_where_solutions_repeat(kind):
    family = Family.from_toml(PROBLEMS / "poisson1d" / "two_grid.toml")
    instances = family.instances(4, 0) * 2
    plain, guessed = (
        solve_in_sequence(instances, entries) for entries in ({}, {"ksp_guess_type": kind})
    )
    assert all(outcome.ok for outcome in (*plain, *guessed))
    assert [each.iterations for each in plain[:4]] == [each.iterations for each in plain[4:]]
    saved = [a.iterations - b.iterations for a, b in zip(plain[4:], guessed[4:], strict=True)]
    assert min(saved) >= 0
    assert max(saved) > 0
