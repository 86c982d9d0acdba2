"""The model that a learned start is put into: one that chooses nothing, or one that was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metasolve.model.layer import constant_layers
from metasolve.model.model import Model
from metasolve.solve.instance import Instance
from metasolve.space import Space
from metasolve.train.config import TrainConfig
from metasolve.train.inputs import Inputs


def nothing_chosen(space: Space, known: Sequence[Instance], info: Mapping[str, Any]) -> Model:
    """A model that leaves the program's settings alone; `info` adds to what model.json says."""
    inputs, config = Inputs.of(known), TrainConfig()
    layers = constant_layers(len(inputs.varies), space.to_vector(space.defaults()))
    told = {
        "measure": config.measure,
        "cap": config.cap,
        "trained_on": [],
        "calls": {"train": 0},
        "solver_seconds": 0.0,
        "wall_seconds": 0.0,
        **info,
    }
    return Model("default", space, inputs.standardisation, layers, told)


def after_learning(
    base: Model, what: str, known: Sequence[Instance], calls: int, seconds: float
) -> dict[str, Any]:
    """What model.json says then: instances seen count as trained on, solves or runs as calls."""
    before, took = base.info["calls"], base.info.get("wall_seconds")
    return {
        **({} if took is None else {"wall_seconds": took + seconds}),
        "trained_on": sorted({*base.info["trained_on"], *(each.id for each in known)}),
        "calls": {**before, what: calls, "train": before["train"] + calls},
        "solver_seconds": base.info["solver_seconds"] + seconds,
    }
