"""Gradient descent with multi-tangent forward gradients, as Flügel et al. set it up.

Gaussian tangents, exact directional derivatives (which forward-mode differentiation gives), plain
gradient descent with the published step sizes (arXiv 2410.17764).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.objectives import OBJECTIVES
from benchmarks.step_sizes import METHODS, STEP_SIZES
from metasolve.gradient import method, slopes
from metasolve.report.result import Report, Row, spread

Array = NDArray[np.float64]
STEPS = {"rosenbrock": 25_000, "styblinski-tang": 1_000, "sphere": 1_000}
SOME = (
    ("rosenbrock", 16),
    ("rosenbrock", 64),
    ("sphere", 128),
    ("sphere", 1024),
    ("styblinski-tang", 1024),
)
_SOME_COLUMNS = (("true", 0), ("mean", 1), ("mean", 16), ("projected", 16))


def start(objective: str, n: int) -> Array:
    """The point (n,) from which descent starts."""
    if objective == "sphere":
        return np.full(n, -1.0)
    x = np.zeros(n)
    if objective == "rosenbrock":
        x[0] = -1.0
    return x


def descend(objective: str, n: int, name: str, k: int, steps: int, seeds: Sequence[int]) -> Array:
    """Final values (seeds,) of gradient descent; infinite where it diverged."""
    function = OBJECTIVES[objective]
    rate = STEP_SIZES[objective][n][METHODS.index((name, k))]
    generators = [np.random.default_rng([seed, n, k]) for seed in seeds]
    x = np.tile(start(objective, n), (len(seeds), 1))
    V = np.empty((len(seeds), k, n))
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            gradient = function.gradient(x)
            if name != "true":
                for draw, generator in zip(V, generators, strict=True):
                    generator.standard_normal(out=draw)
                tangents = V.swapaxes(-1, -2)
                gradient = method(name).gradient(tangents, slopes(tangents, gradient))
            x = x - rate * gradient
        return np.nan_to_num(function.value(x), nan=np.inf)


def measure(seeds: Sequence[int], everything: bool, report: Report) -> list[Row]:
    """Final values by function, dimension, method and number of tangents.

    Parameters
    ----------
    everything
        Every n to 1024 and every k in 1, 2, 4, 16; else the cases worth a table.
    """
    cases = list(_cases(everything))
    rows: list[Row] = []
    for done, (objective, n, name, k) in enumerate(cases):
        report("multi-tangent", done, len(cases))
        # The gradient itself is the same for all seeds.
        final = descend(objective, n, name, k, STEPS[objective], seeds if k else seeds[:1])
        case = {"function": objective, "n": n, "method": name, "k": k}
        rows.append({**case, **spread(final), "minimum": n * OBJECTIVES[objective].least})
    return rows


def _cases(everything: bool) -> Iterator[tuple[str, int, str, int]]:
    sizes = [(each, n) for each, table in STEP_SIZES.items() for n in table]
    for objective, n in sizes if everything else SOME:
        for name, k in METHODS if everything else _SOME_COLUMNS:
            yield objective, n, name, k
