"""Where Newton's method starts: learned on some grids, right on others."""

import numpy as np
import pytest

from metasolve.guess.newton_file import NewtonGuess


def solution(y, points):
    """A field of two components that follows smoothly from two numbers, on a grid."""
    axes = [np.arange(n) / max(n - 1, 1) for n in points]
    c, b, a = np.meshgrid(*axes, indexing="ij")
    first = np.exp(-y[0] * a) * np.cos(2 * b + y[1]) * (1 + c)
    return np.stack([first, y[0] * np.sin(3 * a * b)], axis=-1)


def family(count, seed, points):
    """Inputs, and solutions on grids of about so many points along each axis."""
    rng = np.random.default_rng(seed)
    inputs = rng.uniform(-1, 1, (count, 2))
    sizes = [
        tuple(n if n == 1 else int(rng.integers(n - 3, n + 4)) for n in points) for _ in inputs
    ]
    return inputs, [solution(y, n) for y, n in zip(inputs, sizes, strict=True)]


@pytest.mark.parametrize("points", [(1, 1, 30), (1, 20, 30), (9, 10, 12)])
def test_what_is_learned_on_some_grids_holds_on_others(points):
    guess = NewtonGuess.fit(*family(40, 1, points), modes=12)
    finer = tuple(n if n == 1 else 2 * n + 1 for n in points)
    for y in np.random.default_rng(2).uniform(-0.8, 0.8, (5, 2)):
        expected = solution(y, finer).ravel()
        found = guess(y, finer)
        assert np.linalg.norm(found - expected) <= 0.01 * np.linalg.norm(expected)
    assert guess.error < 0.01


def test_the_error_counts_what_the_basis_cannot_hold():
    data = family(40, 3, (1, 20, 20))
    errors = [NewtonGuess.fit(*data, modes=modes).error for modes in (1, 3, 12)]
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize(("sides", "most"), [([200, 300], 20_000), ([600, 600], 200_000)])
def test_the_basis_of_large_grids_is_on_a_coarser_one(sides, most):
    """Each rank holds all of it."""
    inputs = np.linspace(-1, 1, 2 * len(sides))[:, None] * [1.0, 0.5]
    solutions = [solution(y, (1, n, n)) for y, n in zip(inputs, 2 * sides, strict=True)]
    guess = NewtonGuess.fit(inputs, solutions, modes=2)
    assert 0.9 * most <= guess.basis.size / 2 <= 1.02 * most
    assert len(guess(inputs[0], (1, 50, 60))) == 2 * 50 * 60
