"""What is known of m before a program's first solve: from sequences of other kinds and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

import numpy as np

from benchmarks.sequence_kinds import Trajectory
from benchmarks.sequence_rule import COUNTED, LEAST, NOISE, spectrum
from benchmarks.sequence_table import Table

Tables = Mapping[tuple[Trajectory, str], Table]
Prior = tuple[float, float]  #: mean and variance of m
SPREAD = 0.25  #: standard deviation that sequences have at least
WIDE: Prior = (1.0, 1.0)  #: where nothing is known


def slope(table: Table) -> float | None:
    """Mean of m over the solves of a sequence, each with its weight; None where none tells."""
    accuracy, values, weights = log(2.0 / table.rtol), list[float](), list[float]()

    def condition(iterations: float) -> float:
        return 2.0 * spectrum(accuracy / iterations)

    for step, built in np.argwhere(table.solved):
        change = table.change(step, built).whole
        u = condition(table.iterations[step, built])
        width = condition(table.iterations[step, built] + COUNTED) - u
        added = u - condition(table.iterations[built, built])
        if change >= LEAST and added >= width:
            values.append(log(added / change))
            weights.append(1.0 / (NOISE**2 + (width / added) ** 2))
    return float(np.average(values, weights=weights)) if values else None


def priors(slopes: Mapping[tuple[Trajectory, str], float | None]) -> dict[str, Prior]:
    """Mean and variance of m over sequences, by host."""
    found = dict[str, Prior]()
    for host in {host for _, host in slopes}:
        mine = [m for (_, other), m in slopes.items() if other == host and m is not None]
        if mine:
            found[host] = float(np.mean(mine)), float(np.var(mine)) + SPREAD**2
    return found


def without(
    slopes: Mapping[tuple[Trajectory, str], float | None], left: Trajectory, host: str
) -> Prior:
    """The prior of a host, from sequences of other kinds and other seeds."""
    others = {
        (each, name): m
        for (each, name), m in slopes.items()
        if each.kind != left.kind and each.seed != left.seed
    }
    return priors(others).get(host, WIDE)
