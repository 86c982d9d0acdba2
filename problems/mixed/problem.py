"""The workload of a computing site: systems of many kinds, all solved with PETSc's defaults.

Sizes are 1e3 to 1e5 unknowns, most of them small.
"""

import numpy as np
from elasticity import elasticity
from scipy.ndimage import gaussian_filter
from stencils import rotated, stencil

SMALLEST, LARGEST = 1e3, 1e5


def poisson2d(rng, unknowns):
    """Poisson's equation in a rectangle."""
    n, m = sides(unknowns, 2, rng.uniform(1.0, 3.0))
    return scattered(rng, stencil(np.ones((n, m))))


def poisson3d(rng, unknowns):
    """Poisson's equation in a box."""
    return scattered(rng, stencil(np.ones(sides(unknowns, 3, rng.uniform(1.0, 2.0)))))


def anisotropic(rng, unknowns):
    """Diffusion that is slow across a direction."""
    n, _ = sides(unknowns, 2)
    return scattered(rng, rotated(n, logarithmic(rng, 1e-4, 0.3), rng.uniform(0.0, np.pi)))


def channels(rng, unknowns):
    """Diffusion with channels that conduct much better."""
    n, _ = sides(unknowns, 2)
    conductivity = np.ones((n, n))
    contrast = logarithmic(rng, 10.0, 1e5)
    for number in range(rng.integers(1, 8)):
        place, wide = rng.integers(n), 1 + rng.integers(max(1, n // 30))
        start, end = np.sort(rng.integers(n, size=2))
        strip = (slice(place, place + wide), slice(start, end + 1))
        conductivity[strip if number % 2 else strip[::-1]] = contrast
    return scattered(rng, stencil(conductivity))


def lognormal(rng, unknowns):
    """Diffusion through random rock."""
    n, _ = sides(unknowns, 2)
    field = gaussian_filter(rng.standard_normal((n, n)), n * logarithmic(rng, 0.01, 0.2))
    return scattered(rng, stencil(np.exp(rng.uniform(0.5, 3.0) * field / field.std())))


def transport2d(rng, unknowns):
    """Convection and diffusion: a wind that blows or turns."""
    n, _ = sides(unknowns, 2)
    h, peclet = 1.0 / n, logarithmic(rng, 1.0, 1e4)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    x, y = np.meshgrid((np.arange(n) + 0.5) * h, (np.arange(n) + 0.5) * h, indexing="ij")
    blowing = np.cos(angle) * np.ones((n, n)), np.sin(angle) * np.ones((n, n))
    turning = 4 * x * (1 - x) * (1 - 2 * y), -4 * y * (1 - y) * (1 - 2 * x)
    wind = [h * peclet * each for each in (turning if rng.random() < 0.4 else blowing)]
    return scattered(rng, stencil(np.ones((n, n)), wind))


def transport3d(rng, unknowns):
    """Convection and diffusion in a cube."""
    shape = sides(unknowns, 3)
    direction = rng.standard_normal(3)
    speed = logarithmic(rng, 1.0, 1e4) / shape[0] / np.linalg.norm(direction)
    return scattered(rng, stencil(np.ones(shape), [np.full(shape, speed * w) for w in direction]))


def elasticity2d(rng, unknowns):
    """A clamped plate."""
    cells, along = sides(unknowns / 2, 2, rng.uniform(1.0, 4.0))
    return elasticity(cells, along, 2, rng.uniform(0.2, 0.45), logarithmic(rng, 0.1, 10.0))


def elasticity3d(rng, unknowns):
    """A clamped beam; larger ones are not assembled on a single core."""
    cells, _, along = sides(min(unknowns, 3e4) / 3, 3, rng.uniform(1.0, 3.0))
    return elasticity(cells, along, 3, rng.uniform(0.2, 0.45), logarithmic(rng, 0.1, 10.0))


KINDS = {
    "poisson2d": poisson2d,
    "poisson3d": poisson3d,
    "anisotropic": anisotropic,
    "channels": channels,
    "lognormal": lognormal,
    "transport2d": transport2d,
    "transport3d": transport3d,
    "elasticity2d": elasticity2d,
    "elasticity3d": elasticity3d,
}


def logarithmic(rng, low, high):
    """Return a number whose logarithm is uniform."""
    return low * (high / low) ** rng.random()


def sides(unknowns, dimensions, aspect=1.0):
    """Return the points along each axis; the last is `aspect` times as long as the others."""
    n = max(3, round((unknowns / aspect) ** (1.0 / dimensions)))
    return (n,) * (dimensions - 1) + (round(n * aspect),)


def scattered(rng, A):
    """Return A and a right-hand side: even, or from a few sources."""
    b = np.ones(A.shape[0])
    if rng.random() < 0.5:
        b[:] = 0.0
        b[rng.integers(len(b), size=5)] = rng.uniform(-1.0, 1.0, 5)
    return A, b


def system(kind, number):
    """Return A and b of the system of a kind with a number."""
    rng = np.random.default_rng([list(KINDS).index(kind), number])
    unknowns = SMALLEST * (LARGEST / SMALLEST) ** (rng.random() ** 2)
    A, b = KINDS[kind](rng, unknowns)
    A.sort_indices()
    return A, b
