"""Sequences of systems as programs make them: the operator changes from solve to solve.

Finite volumes on a grid of cells, two-point fluxes, upwind. Kinds differ in how the operator moves:
slowly, fast, in bursts, as Newton's method does, with a wind that turns, with the time step, with a
front, going back to where it began, with the mesh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.sequence_grid import Array, Grid

Rng = np.random.Generator
STEPS, OLDEST = 32, 12  #: systems, and how many steps a preconditioner may lie back
SMALLEST, LARGEST = 5e3, {2: 3e4, 3: 7e3}  #: unknowns, of two and of three dimensions
CONTRAST = 1.5  #: standard deviation of the logarithm of a smooth coefficient


@dataclass(frozen=True)
class System:
    """One system of a sequence.

    Parameters
    ----------
    grid
        Another object where the mesh is new.
    values, b
        The operator's entries in the grid's pattern, and the right-hand side.
    """

    grid: Grid
    values: Array
    b: Array


@dataclass(frozen=True)
class Trajectory:
    """A sequence to be generated: its kind, its dimension, its seed."""

    kind: str
    dimension: int
    seed: int

    @property
    def name(self) -> str:
        """For files and tables."""
        return f"{self.kind}-{self.dimension}d-{self.seed}"

    @property
    def symmetric(self) -> bool:
        """Whether its operators are."""
        return self.kind != "wind"

    def systems(self) -> list[System]:
        """The systems in order; the same each time."""
        rng = np.random.default_rng([*map(ord, self.kind), self.dimension, self.seed])
        size = np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST[self.dimension])))
        grid = Grid(self.dimension, round(size ** (1.0 / self.dimension)))
        return [_system(rng, *each) for each in KINDS[self.kind](rng, grid)]


def _system(rng: Rng, grid: Grid, values: Array) -> System:
    """Add a source that has moved, rough in part."""
    centre = rng.uniform(0.2, 0.8, grid.dimension)
    away = ((grid.centres - centre[:, None]) ** 2).sum(axis=0)
    b = np.exp(-away / 0.02) + 0.1 * rng.standard_normal(grid.size)
    return System(grid, values, b)


Steps = Iterator[tuple[Grid, Array]]


class _Field:
    """A smooth random field that turns into another, and back, with an angle."""

    def __init__(self, rng: Rng, dimension: int) -> None:
        self._waves = rng.integers(-4, 5, (2, 12, dimension))
        self._phases = rng.uniform(0.0, 2.0 * np.pi, (2, 12))

    def coefficient(self, grid: Grid, angle: float) -> Array:
        """The exponential of the field, its logarithm of deviation `CONTRAST`."""
        parts = np.cos(2.0 * np.pi * self._waves @ grid.centres + self._phases[:, :, None])
        first, second = parts.sum(axis=1) / np.sqrt(6.0)
        told: Array = np.exp(CONTRAST * (np.cos(angle) * first + np.sin(angle) * second))
        return told


def _turning(rng: Rng, grid: Grid, angles: Array) -> Steps:
    field = _Field(rng, grid.dimension)
    for angle in angles:
        yield grid, grid.values(field.coefficient(grid, float(angle)))


def slow(rng: Rng, grid: Grid) -> Steps:
    """A coefficient that drifts slowly."""
    return _turning(rng, grid, rng.uniform(0.003, 0.02) * np.arange(STEPS))


def fast(rng: Rng, grid: Grid) -> Steps:
    """A coefficient that drifts fast, and not evenly."""
    return _turning(rng, grid, np.cumsum(rng.uniform(0.05, 0.2) * rng.gamma(4.0, 0.25, STEPS)))


def bursts(rng: Rng, grid: Grid) -> Steps:
    """Quiet, then a jump, then quiet."""
    jumps = np.where(rng.random(STEPS) < 0.1, rng.uniform(0.3, 1.5, STEPS), 0.0)
    return _turning(rng, grid, np.cumsum(jumps + 0.003))


def newton(rng: Rng, grid: Grid) -> Steps:
    """Time steps of some Newton steps each, whose changes shrink."""
    angle, angles, jump, rate = 0.0, list[float](), rng.uniform(0.1, 0.4), rng.uniform(0.1, 0.4)
    while len(angles) < STEPS:
        length = jump * rng.gamma(4.0, 0.25)
        angles += [angle + length * (1.0 - rate**step) for step in range(rng.integers(3, 7))]
        angle += length
    return _turning(rng, grid, np.array(angles[:STEPS]))


def restarts(rng: Rng, grid: Grid) -> Steps:
    """A drift that begins again, as runs for several parameters do."""
    length, rate = int(rng.integers(7, 13)), rng.uniform(0.02, 0.08)
    return _turning(rng, grid, rate * (np.arange(STEPS) % length))


def wind(rng: Rng, grid: Grid) -> Steps:
    """Convection and diffusion; the wind turns, and the diagonal hardly changes."""
    turn, speed = rng.uniform(0.01, 0.15), np.exp(rng.uniform(np.log(0.3), np.log(20.0)))
    angle = rng.uniform(0.0, 2.0 * np.pi)
    still = np.ones(grid.size)
    for _ in range(STEPS):
        direction = np.array([np.cos(angle), np.sin(angle), 0.3])[: grid.dimension]
        yield grid, grid.values(still, wind=speed * direction)
        angle += turn * rng.gamma(4.0, 0.25)


def time_step(rng: Rng, grid: Grid) -> Steps:
    """Heat conduction whose time step grows, and falls where something happens."""
    mass, growth = np.exp(rng.uniform(np.log(1e-2), np.log(10.0))), rng.uniform(1.0, 1.3)
    k = _Field(rng, grid.dimension).coefficient(grid, 0.0)
    capacity = _Field(rng, grid.dimension).coefficient(grid, 0.0)
    for _ in range(STEPS):
        yield grid, grid.values(k, mass=mass * capacity)
        mass *= rng.uniform(4.0, 30.0) if rng.random() < 0.08 else 1.0 / growth


def front(rng: Rng, grid: Grid) -> Steps:
    """A ball of another material that moves through the domain."""
    contrast, speed = np.exp(rng.uniform(np.log(3.0), np.log(300.0))), rng.uniform(0.002, 0.015)
    centre, way = rng.uniform(0.2, 0.4, grid.dimension), rng.uniform(0.3, 1.0, grid.dimension)
    for step in range(STEPS):
        to = centre + speed * step * way / np.linalg.norm(way)
        away = np.sqrt(((grid.centres - to[:, None]) ** 2).sum(axis=0))
        inside = 1.0 / (1.0 + np.exp((away - 0.25) * grid.across))
        yield grid, grid.values(contrast**inside)


def mesh(rng: Rng, grid: Grid) -> Steps:
    """A coefficient that drifts, and a mesh that is refined or coarsened now and then."""
    field, rate = _Field(rng, grid.dimension), rng.uniform(0.01, 0.05)
    for step in range(STEPS):
        if step and rng.random() < 0.1:
            grid = Grid(grid.dimension, max(round(grid.across * rng.uniform(0.85, 1.15)), 16))
        yield grid, grid.values(field.coefficient(grid, rate * step))


KINDS: dict[str, Callable[[Rng, Grid], Steps]] = {
    "slow": slow,
    "fast": fast,
    "bursts": bursts,
    "newton": newton,
    "restarts": restarts,
    "wind": wind,
    "time-step": time_step,
    "front": front,
    "mesh": mesh,
}
