"""Poisson's equation in one dimension: -u'' = f in (0, 1), u = 0 at both ends, central differences.

f is a sine series whose coefficients are normal with standard deviation 1 / wave number: smooth
right-hand sides are the hard ones for a smoother. The matrix never changes.
"""

import numpy as np
import scipy.sparse as sp


def system(n, seed):
    """Return A (n x n) and b; the same for the same seed."""
    waves = np.arange(1, n + 1)
    points = waves / (n + 1)
    coefficients = np.random.default_rng(seed).standard_normal(n) / waves
    b = np.sin(np.pi * np.outer(points, waves)) @ coefficients
    A = sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n, n), format="csr") * (n + 1.0) ** 2
    return A, b
