"""`Model`: what training leaves behind. Features in, settings out; numpy only, no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import ModelError
from metasolve.model.gate import LONGEST, Gate
from metasolve.model.layer import Layer, forward
from metasolve.space import Space


@dataclass(frozen=True)
class Standardisation:
    """How raw features become network inputs, and the box of features seen in training.

    Attributes
    ----------
    names : feature names, in network order.
    mean, scale : shape (features,); input is (x - mean) / scale.
    low, high : shape (features,); outside it does not choose: they are unfamiliar.
    """

    names: tuple[str, ...]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    WIDEN = 0.25  # share of the range seen in training by which the familiar box grows, each side

    @classmethod
    def fit(cls, names: Sequence[str], table: NDArray[np.float64]) -> Standardisation:
        """Fit to a table of shape (instances, features).

        A feature that never varied keeps a small margin: 2 % of its magnitude plus 0.001.
        """
        table = np.asarray(table, dtype=float)
        low, high = table.min(axis=0), table.max(axis=0)
        magnitude = np.maximum(np.abs(low), np.abs(high))
        spread = table.std(axis=0)
        varies = spread > 1e-9 * np.maximum(magnitude, 1.0)
        margin = cls.WIDEN * (high - low) + 0.02 * magnitude + 1e-3
        return cls(
            names=tuple(names),
            mean=table.mean(axis=0),
            scale=np.where(varies, spread, 1.0),
            low=low - margin,
            high=high + margin,
        )

    def vector(self, features: Mapping[str, float]) -> NDArray[np.float64]:
        """The features in network order, shape (features,).

        Raises
        ------
        ModelError
            When a feature the model was trained on is missing.
        """
        missing = [name for name in self.names if name not in features]
        if missing:
            raise ModelError(
                f"feature {missing[0]!r} is missing ({len(missing)} of {len(self.names)}): "
                "use the features the model was trained on, or train again"
            )
        return np.array([float(features[name]) for name in self.names])

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Network input at features x (..., features)."""
        return (np.asarray(x, dtype=float) - self.mean) / self.scale

    def unfamiliar(self, x: NDArray[np.float64]) -> str:
        """Why these features are unlike the training instances; empty when they are familiar."""
        inside = (x >= self.low) & (x <= self.high)  # a NaN is never inside
        if inside.all():
            return ""
        i = int(np.argmin(inside))
        return f"{self.names[i]} = {x[i]:.6g} is outside [{self.low[i]:.6g}, {self.high[i]:.6g}]"


LOOKS = 30  #: what a small system's solve must still seem to need, in looks, to be looked at


#: Features of an operator that is symmetric with a positive diagonal are at most these.
SYMMETRIC = {"log_asymmetry": -8.0, "negative_diagonal": 0.0}


def symmetric(features: Mapping[str, float]) -> bool:
    """Whether methods for symmetric operators may be used; so also where no feature says."""
    return all(features.get(name, most) <= most for name, most in SYMMETRIC.items())


def rows_of(features: Mapping[str, float]) -> int:
    """Rows of the system with these features; 0 where it is no system."""
    log = features.get("log_rows", -math.inf)
    return round(10.0 ** min(log, 300.0)) if log > -math.inf else 0  # a NaN is no size either


@dataclass(frozen=True)
class Model:
    """A policy over settings.

    Attributes
    ----------
    kind : "policy" (settings follow the features), "global" (one constant setting, found by
        training), "constant" (the same, pinned by hand, for any features) or "default" (leave every
        solve to the host).
    space : what may be set.
    standardisation : features to network inputs, and the familiar box.
    layers : network from standardised features to unconstrained coordinates z in R^dim.
    info : further entries of model.json (seed, calls, validation, trained_on, ...).
    gate : what the choice is expected to cost; None where every choice is used.
    least_rows : systems with fewer rows are left to the host without a look at them, as long as
        their solves do not seem to need `LOOKS` times what a look takes.
    look : seconds that a look at such a system takes, at most.
    second : coordinates z of the choice after the first has failed, shape (space.dim,); None where
        the host's own configuration comes next.
    directory : where it was loaded from; None for a model that is only in memory.
    """

    kind: str
    space: Space
    standardisation: Standardisation
    layers: tuple[Layer, ...]
    info: dict[str, Any] = field(default_factory=dict)
    gate: Gate | None = None
    least_rows: int = 0
    look: float = 0.0
    second: NDArray[np.float64] | None = None
    directory: Path | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        count = len(self.standardisation.names)
        gate = "" if self.gate is None else ", gate"
        where = "in memory" if self.directory is None else f"from {self.directory}"
        settings = len(self.space.settings) or len(self.space.fixed)
        return f"<Model {self.kind}: {count} features to {settings} settings{gate}, {where}>"

    def inputs(self, features: Mapping[str, float]) -> NDArray[np.float64]:
        """Standardised features, shape (features,)."""
        return self.standardisation(self.standardisation.vector(features))

    def coordinates(self, features: Mapping[str, float]) -> NDArray[np.float64]:
        """Unconstrained coordinates z, shape (space.dim,)."""
        return forward(self.layers, self.inputs(features))

    def expected_seconds(self, features: Mapping[str, float]) -> float:
        """What the host's own configuration takes or less, mostly; infinite where nothing says."""
        if "expected" not in self.info:
            return math.inf
        level, *slopes = self.info["expected"]
        return math.exp(min(level + float(np.dot(slopes, self.inputs(features))), LONGEST))

    def too_small(self, features: Mapping[str, float]) -> bool:
        """Whether a look at a system with these features would, at first, cost too much."""
        return self.least_rows > 0 and rows_of(features) < self.least_rows

    def expects_loss(self, features: Mapping[str, float]) -> bool:
        """Whether the host's own configuration is expected to be faster than what is chosen."""
        return self.gate is not None and self.gate.closed(self.inputs(features))

    def refuses(self, features: Mapping[str, float]) -> str:
        """Why the model declines to choose here; empty when it does choose."""
        if self.kind == "default":
            return "no setting was found that beats the host's own"
        if self.too_small(features):
            return "so small that a look at it would cost too much"
        strange = self.standardisation.unfamiliar(self.standardisation.vector(features))
        if not strange and self.expects_loss(features):
            return "the host's own configuration is expected to be faster"
        return strange

    def settings(self, features: Mapping[str, float]) -> dict[str, Any]:
        """The settings to use for an instance with these features.

        Returns {} (the host's own configuration) for a model of kind "default", for systems that
        are too small, and where that is expected to be faster. Does not look at the familiar box:
        ask `refuses` first.
        """
        if self.kind == "default" or self.too_small(features) or self.expects_loss(features):
            return {}
        return self.choice(features)

    def choice(self, features: Mapping[str, float]) -> dict[str, Any]:
        """The settings for these features, whatever they are expected to cost."""
        return self.space.to_settings(self.coordinates(features), symmetric(features))

    def second_choice(self, features: Mapping[str, float]) -> dict[str, Any]:
        """The settings after the first choice has failed; empty where there are no others."""
        if self.second is None:
            return {}
        settings = self.space.to_settings(self.second, symmetric(features))
        return {} if settings == self.choice(features) else settings
