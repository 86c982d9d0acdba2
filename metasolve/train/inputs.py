"""`Inputs`: the features of all instances as one standardised table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import UsageError
from metasolve.instance import Instance
from metasolve.model.model import Standardisation


@dataclass(frozen=True)
class Inputs:
    """What networks and surrogate see of the instances.

    Attributes
    ----------
    standardisation : raw features to inputs, fitted to these instances.
    table : (instances, features); features that never vary are exactly 0.
    varies : (features,), bool.
    """

    standardisation: Standardisation
    table: NDArray[np.float64]
    varies: NDArray[np.bool_]

    @classmethod
    def of(cls, instances: Sequence[Instance]) -> Inputs:
        """Tabulate the features that all instances have.

        Raises
        ------
        UsageError
            When there is no instance or no common feature.
        """
        names = common_features(instances)
        raw = np.array([[float(each.features[name]) for name in names] for each in instances])
        standardisation = Standardisation.fit(names, raw)
        table = standardisation(raw)
        varies = np.ptp(table, axis=0) > 1e-6
        table[:, ~varies] = 0.0
        return cls(standardisation, table, varies)


def common_features(instances: Sequence[Instance]) -> list[str]:
    """Names of the features that all instances have, in the order of the first.

    Raises
    ------
    UsageError
        When there is no instance or no such feature.
    """
    if not instances:
        raise UsageError("no instance to train on: record some solves first")
    common = set.intersection(*(set(each.features) for each in instances))
    names = [name for name in instances[0].features if name in common]
    if not names:
        raise UsageError("the instances have no feature in common: give each the same features")
    return names


def usable(instances: Sequence[Instance]) -> list[Instance]:
    """The instances whose features are all finite; a NaN in a right-hand side spoils some."""
    return [each for each in instances if np.isfinite(list(each.features.values())).all()]


def fit_seconds(seconds: Sequence[float], sizes: Sequence[float | None]) -> list[float]:
    """Coefficients a, b of the seconds the host is expected to take at most, exp(a + b log size).

    Least squares with 0 <= b <= 2, then raised to the 90th percentile of the residuals, because
    a budget is there to stop what is hopeless, not what is harder than average.
    """
    logs = np.log(np.maximum(np.asarray(seconds, dtype=float), 1e-7))
    x = np.array([0.0 if not size else np.log(size) for size in sizes])
    b = 0.0
    if np.ptp(x) > 0.1:
        b = float(np.clip(np.polyfit(x, logs, 1)[0], 0.0, 2.0))
    return [float(np.quantile(logs - b * x, 0.9)), b]
