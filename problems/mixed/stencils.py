"""Diffusion and transport on uniform grids: finite volumes, upwind, zero on the boundary."""

import numpy as np
import scipy.sparse as sp


def _along(axis, dimensions, *slices):
    """Return index tuples that take each slice along one axis and everything along the others."""
    return [tuple(each if k == axis else slice(None) for k in range(dimensions)) for each in slices]


def stencil(conductivity, wind=()):
    """Return the matrix of -div(a grad u) + h w . grad u.

    `conductivity` a is given in the cells, harmonic between them; `wind` h w has an array per axis,
    of the same shape, or is empty.
    """
    shape, d = conductivity.shape, conductivity.ndim
    number = np.arange(conductivity.size).reshape(shape)
    diagonal = np.zeros(shape)
    rows, columns, values = [], [], []
    wind = wind or [np.zeros(shape)] * d
    for axis, speed in enumerate(wind):
        low, high, first, last = _along(
            axis, d, slice(None, -1), slice(1, None), slice(0, 1), slice(-1, None)
        )
        face = 2.0 / (1.0 / conductivity[low] + 1.0 / conductivity[high])
        diagonal[low] += face
        diagonal[high] += face
        diagonal[first] += 2.0 * conductivity[first]
        diagonal[last] += 2.0 * conductivity[last]
        diagonal += np.abs(speed)
        rows += [number[low], number[high]]
        columns += [number[high], number[low]]
        values += [-face - np.maximum(-speed[low], 0.0), -face - np.maximum(speed[high], 0.0)]
    entries = [np.concatenate([each.ravel() for each in part]) for part in (values, rows, columns)]
    size = number.size
    sides = sp.coo_matrix((entries[0], (entries[1], entries[2])), shape=(size, size))
    return (sides + sp.diags(diagonal.ravel())).tocsr()


def rotated(n, ratio, angle):
    """Return the matrix of -div(K grad u) on n x n points: bilinear elements.

    K has the eigenvalues 1, along `angle` in radians, and `ratio` across.
    """
    c, s = np.cos(angle), np.sin(angle)
    h = 1.0 / (n + 1)
    stiffness = sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n, n)) / h
    mass = sp.diags([1.0, 4.0, 1.0], [-1, 0, 1], shape=(n, n)) * (h / 6.0)
    slope = sp.diags([-0.5, 0.5], [-1, 1], shape=(n, n))
    xx, yy, xy = c * c + ratio * s * s, s * s + ratio * c * c, (1.0 - ratio) * c * s
    # The mixed derivative by parts: two skew matrices, with a symmetric product.
    mixed = -2.0 * xy * sp.kron(slope, slope)
    return (xx * sp.kron(mass, stiffness) + yy * sp.kron(stiffness, mass) + mixed).tocsr()
