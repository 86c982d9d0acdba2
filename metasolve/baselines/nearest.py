"""Nearest neighbours: settings by what was cheap on the instances that look most alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasolve.model.model import Model
from metasolve.solve.instance import Instance
from metasolve.solve.solver import Value
from metasolve.train.events import Event

NEIGHBOURS = 4


@dataclass(frozen=True)
class Tried:
    """Evaluations of one joint choice: where, with which settings, at what cost."""

    inputs: NDArray[np.float64]
    settings: Sequence[Mapping[str, Value]]
    costs: NDArray[np.float64]

    def near(self, x: NDArray[np.float64], count: int) -> tuple[float, Mapping[str, Value]]:
        """Mean cost over the `count` evaluations nearest to x, and the cheapest one's settings."""
        nearest = np.argsort(((self.inputs - x) ** 2).sum(axis=1), kind="stable")[:count]
        best = nearest[int(np.argmin(self.costs[nearest]))]
        return float(self.costs[nearest].mean()), self.settings[best]


class Nearest:
    """Chooses for an instance what cost least on average on its neighbours.

    For each joint choice (preconditioner, method, ...) its four nearest evaluations count; numbers
    are those of the cheapest of them. Where every instance was tried with the same settings, that
    is the classical rule: the setting with the least mean cost over the four nearest instances.
    Distances are between standardised features.

    Parameters
    ----------
    model : its features, their standardisation and its space are used, its weights are not.
    instances : with the features of what was evaluated.
    events : evaluations among these count, such as those of the model's own training.
    """

    def __init__(
        self, model: Model, instances: Sequence[Instance], events: Sequence[Event]
    ) -> None:
        self._model = model
        inputs = {each.id: model.inputs(each.features) for each in instances}
        by_arm: dict[int, list[Event]] = {}
        for event in events:
            if event["event"] == "evaluation" and event["instance"] in inputs:
                arm = model.space.arm_of(event["settings"]) if event["settings"] else -1
                by_arm.setdefault(arm, []).append(event)
        self._tried = [
            Tried(
                np.array([inputs[e["instance"]] for e in found]),
                [e["settings"] for e in found],
                np.array([e["cost"] for e in found]),
            )
            for found in by_arm.values()
            if len(found) >= NEIGHBOURS
        ]

    def __call__(self, instance: Instance) -> Mapping[str, Value]:
        """Settings for an instance; none at all for the program's own configuration."""
        x = self._model.inputs(instance.features)
        found = [each.near(x, NEIGHBOURS) for each in self._tried]
        return min(found, key=lambda each: each[0])[1] if found else {}
