"""Log-normal diffusion: -div(a grad u) = 1 in the unit square, u = 0 on its boundary.

log a is a sum of the four leading Karhunen-Loeve modes of a Gaussian covariance of length 0.3 with
reflecting boundaries, scaled to variance 1 at y = (1, 1, 1, 1). Five-point differences, a taken in
the middle of each edge.
"""

import numpy as np
import scipy.sparse as sp

MODES = ((1, 0), (0, 1), (1, 1), (2, 0))
LENGTH = 0.3


def system(n, y1, y2, y3, y4):
    """Return A (n^2 x n^2, symmetric positive definite) and b of n x n interior points."""
    points = np.arange(n + 2) / (n + 1)
    middles = (points[1:] + points[:-1]) / 2
    y = (y1, y2, y3, y4)
    across = conductivity(y, middles[:, None], points[None, 1:-1])  # (n + 1, n): edges along x
    along = conductivity(y, points[1:-1, None], middles[None, :])  # (n, n + 1): edges along y
    diagonal = across[:-1] + across[1:] + along[:, :-1] + along[:, 1:]
    east = along[:, 1:].copy()
    east[:, -1] = 0.0
    south = across[1:-1].ravel()
    sides = east.ravel()[:-1]
    A = sp.diags(
        [-south, -sides, diagonal.ravel(), -sides, -south], [-n, -1, 0, 1, n], format="csr"
    )
    A.sort_indices()
    return A, np.full(n * n, 1.0 / (n + 1) ** 2)


def conductivity(y, x1, x2):
    """Return a at points (x1, x2)."""
    k = np.array(MODES)
    variance = np.exp(-0.5 * (np.pi * LENGTH) ** 2 * (k**2).sum(axis=1))
    weights = np.sqrt(variance / variance.sum()) * np.sqrt(2.0) ** (k > 0).sum(axis=1)
    log_a = sum(
        value * weight * np.cos(np.pi * k1 * x1) * np.cos(np.pi * k2 * x2)
        for value, weight, (k1, k2) in zip(y, weights, MODES, strict=True)
    )
    return np.exp(log_a)
