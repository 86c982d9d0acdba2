"""`Inputs`: the features of all instances as one standardised table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import UsageError
from metasolve.model.model import SYMMETRIC, Standardisation
from metasolve.solve.instance import Instance


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

    def symmetric(self, x: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Where (n,) of standardised features x (n, features) `model.symmetric` holds."""
        s, holds = self.standardisation, np.ones(len(x), dtype=bool)
        for name, most in SYMMETRIC.items():
            if name in s.names:
                column = s.names.index(name)
                holds &= s.mean[column] + s.scale[column] * x[:, column] <= most + 1e-6
        return holds

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


def expected_seconds(
    inputs: NDArray[np.float64], seconds: Sequence[float]
) -> tuple[float, NDArray[np.float64]]:
    """Coefficients b, w such that the host takes exp(b + w·x) seconds or less, mostly.

    The linear rule of the logarithm, with b raised by one standard deviation of its error, because
    a budget is there to stop what is hopeless, not what is somewhat harder than it looks.

    Parameters
    ----------
    inputs : (instances, features), standardised.
    seconds : what the host took on each.
    """
    b, w, error = linear_rule(inputs, np.log(np.maximum(np.asarray(seconds, dtype=float), 1e-7)))
    return b + error, w


def linear_rule(
    inputs: NDArray[np.float64], logs: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], float]:
    """Coefficients b, w of logs ≈ b + w·x and the leave-one-out error (root mean square).

    Ridge regression, the ridge chosen by that error.
    """
    centre, mean = inputs.mean(axis=0), float(logs.mean())
    U, S, Vt = np.linalg.svd(inputs - centre, full_matrices=False)
    fits = [_ridge(U, S, logs - mean, ridge) for ridge in (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)]
    error, shrunk = min(fits, key=lambda fit: fit[0])
    w = Vt.T @ shrunk
    return mean - float(centre @ w), w, error


def _ridge(
    U: NDArray[np.float64], S: NDArray[np.float64], y: NDArray[np.float64], ridge: float
) -> tuple[float, NDArray[np.float64]]:
    """Leave-one-out error (root mean square) and coefficients along the right singular vectors."""
    kept = S**2 / (S**2 + ridge)
    leverage = (U**2 @ kept) + 1.0 / len(y)
    residual = (y - U @ (kept * (U.T @ y))) / np.maximum(1.0 - leverage, 0.1)
    return float(np.sqrt(np.mean(residual**2))), S / (S**2 + ridge) * (U.T @ y)
