"""What is known of m before a program's first solve: from sequences of other kinds and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

import numpy as np

from benchmarks.sequence_kinds import Trajectory
from benchmarks.sequence_table import Table
from metasolve.solve.reuse import COUNTED, LEAST, NOISE, spectrum

Key = tuple[Trajectory, str]
Tables = Mapping[Key, Table]  #: of sequences, each under a host
Slopes = Mapping[Key, float | None]
Prior = tuple[float, float]  #: mean and variance of m
NOTHING: Prior = (0.0, 4.0)  #: where nothing is known


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


def prior(slopes: Slopes, host: str | None = None) -> Prior:
    """Mean and variance of m over sequences, of all hosts or of one."""
    mine = [m for (_, each), m in slopes.items() if m is not None and host in (None, each)]
    return (float(np.mean(mine)), float(np.var(mine))) if mine else NOTHING


def without(slopes: Slopes, left: Trajectory) -> Prior:
    """The prior from sequences of other kinds and other seeds."""
    return prior(
        {
            key: m
            for key, m in slopes.items()
            if key[0].kind != left.kind and key[0].seed != left.seed
        }
    )
