"""A model of constant settings as every other model: what `pinned` wrote, read back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from metasolve.errors import UsageError
from metasolve.model.allowed import canonical
from metasolve.model.document import CONSTANT
from metasolve.model.layer import constant_layers
from metasolve.model.model import Model, Standardisation
from metasolve.space import Choice, Space


def constant_model(
    settings: Mapping[str, str], info: dict[str, Any], directory: Path | None = None
) -> Model:
    """Choose these settings, whatever the features.

    Raises
    ------
    UsageError
        If a model may not choose one of them.
    """
    if not settings:
        raise UsageError("settings={} are none; give at least one")
    space = Space(tuple(Choice(k, (canonical(k, value),)) for k, value in settings.items()))
    box = Standardisation((), *[np.zeros(0)] * 4)
    layers = constant_layers(0, np.zeros(space.dim))
    return Model(CONSTANT, space, box, layers, info, directory=directory)
