"""Laws of the guess as a whole."""

import subprocess
import sys

import numpy as np
import pytest

from metasolve.guess import (
    Galerkin,
    Guess,
    Identity,
    Pod,
    ReducedGalerkin,
    Ridge,
    relative_residual,
)


class Says:
    """A predictor that says one thing."""

    def __init__(self, z):
        self._z = np.asarray(z)

    def __call__(self, features):
        return self._z


def test_a_guess_that_increases_the_residual_is_never_used(diffusion, rng):
    A = diffusion(rng.uniform(1, 5, 21))
    for _ in range(50):
        b, z = rng.standard_normal(20), 0.05 * rng.standard_normal(20)
        start = Guess(Identity(20), Says(z))(A, b, [])
        worse = relative_residual(A, b, z) >= 1.0
        assert (start.x0 is None) == worse
        assert start.residual == (1.0 if worse else relative_residual(A, b, z))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_nonsense_is_not_used(diffusion, value, rng):
    A, b = diffusion(np.ones(6)), rng.standard_normal(5)
    with np.errstate(all="ignore"):
        start = Guess(Identity(5), Says(np.full(5, value)))(A, b, [])
    assert start.x0 is None
    assert start.residual == 1.0


def test_a_zero_right_hand_side_needs_no_guess(diffusion):
    assert Guess(Identity(5), Says(np.ones(5)))(diffusion(np.ones(6)), np.zeros(5), []).x0 is None


def test_a_guess_from_the_right_hand_side_scales_with_it(diffusion, rng):
    A, b = diffusion(rng.uniform(1, 5, 21)), rng.standard_normal((30, 20))
    x = np.linalg.solve(A.toarray(), b.T).T
    norms = np.linalg.norm(b, axis=1, keepdims=True)
    ridge = Ridge.fit(b / norms, x / norms, 0.0)
    guess = Guess(Identity(20), ridge, sees="rhs")
    start, tenfold = guess(A, b[0], []), guess(A, 10 * b[0], [])
    np.testing.assert_allclose(tenfold.x0, 10 * start.x0)
    assert start.residual < 1e-8  # A is fixed: the map from b to x is linear


def test_correction_makes_predictions_better(affine_family):
    y, matrices, rights, solutions = affine_family
    pod = Pod.fit(solutions, 5)
    ridge = Ridge.fit(y, pod.encode(solutions))
    for A, b, features in zip(matrices, rights, y, strict=True):
        x = np.linalg.solve(A.toarray(), b)
        errors = []
        for correction in (
            None,
            Galerkin(pod, 2),
            Galerkin(pod),
            ReducedGalerkin(pod, matrices, rights),
        ):
            e = x - pod.decode(Guess(pod, ridge, correction).coordinates(A, b, features))
            errors.append(e @ (A @ e))
        assert errors[1] <= errors[0] * (1 + 1e-9)
        assert errors[2] <= errors[1] * (1 + 1e-9)
        assert errors[3] == pytest.approx(errors[2], rel=1e-3, abs=1e-12)


def test_applying_a_guess_imports_neither_torch_nor_petsc():
    loaded = "any(name in sys.modules for name in ('torch', 'petsc4py'))"
    code = f"import sys, metasolve.guess; sys.exit({loaded})"
    subprocess.run([sys.executable, "-c", code], check=True)
