"""Small systems for guesses."""

import numpy as np
import pytest
import scipy.sparse as sp


def _diffusion(a):
    """-(a u')' on as many points as there are values of a, less one."""
    n = len(a) - 1
    return sp.diags([-a[1:n], a[:-1] + a[1:], -a[1:n]], [-1, 0, 1], format="csr") * (n + 1.0)


@pytest.fixture
def diffusion():
    return _diffusion


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def affine_family(rng):
    """20 systems A = A0 + y A1, b = b0 + y b1, and their solutions."""
    a0, a1 = rng.uniform(1, 2, 41), rng.uniform(0, 1, 41)
    b0, b1 = rng.standard_normal((2, 40))
    y = np.linspace(0.0, 3.0, 20)
    matrices = [_diffusion(a0 + each * a1) for each in y]
    rights = np.array([b0 + each * b1 for each in y])
    solutions = [np.linalg.solve(A.toarray(), b) for A, b in zip(matrices, rights, strict=True)]
    return y[:, None], matrices, rights, np.array(solutions)
