"""Test functions with gradients and minima known in closed form, of any dimension.

All map (..., n) to (...); gradients map (..., n) to (..., n).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """A function to minimise.

    Attributes
    ----------
    value, gradient : of points (..., n).
    least : its minimum, per dimension.
    """

    value: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    least: float = 0.0


def _sphere(x: Array) -> Array:
    value: Array = np.sum(x**2, axis=-1)
    return value


def _rosenbrock(x: Array) -> Array:
    a, b = x[..., :-1], x[..., 1:]
    value: Array = np.sum(100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2, axis=-1)
    return value


def _rosenbrock_gradient(x: Array) -> Array:
    a, off = x[..., :-1], x[..., 1:] - x[..., :-1] ** 2
    g = np.zeros_like(x)
    g[..., :-1] = -400.0 * a * off - 2.0 * (1.0 - a)
    g[..., 1:] += 200.0 * off
    return g


def _separable(x: Array) -> Array:
    a, b = x[..., ::2], x[..., 1::2]
    value: Array = np.sum(100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2, axis=-1)
    return value


def _separable_gradient(x: Array) -> Array:
    a, off = x[..., ::2], x[..., 1::2] - x[..., ::2] ** 2
    g = np.empty_like(x)
    g[..., ::2] = -400.0 * a * off - 2.0 * (1.0 - a)
    g[..., 1::2] = 200.0 * off
    return g


def _rastrigin(x: Array) -> Array:
    value: Array = np.sum(10.0 + x**2 - 10.0 * np.cos(2.0 * np.pi * x), axis=-1)
    return value


def _styblinski_tang(x: Array) -> Array:
    value: Array = 0.5 * np.sum(x**4 - 16.0 * x**2 + 5.0 * x, axis=-1)
    return value


OBJECTIVES = {
    "sphere": Objective(_sphere, lambda x: 2.0 * x),
    "rosenbrock": Objective(_rosenbrock, _rosenbrock_gradient),
    "separable-rosenbrock": Objective(_separable, _separable_gradient),
    "rastrigin": Objective(_rastrigin, lambda x: 2.0 * x + 20.0 * np.pi * np.sin(2.0 * np.pi * x)),
    "styblinski-tang": Objective(
        _styblinski_tang, lambda x: 2.0 * x**3 - 16.0 * x + 2.5, least=-39.16616570377142
    ),
}
