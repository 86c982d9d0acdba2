"""`Place`: where a candidate of the prior lies in a space of settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import SpaceError
from metasolve.prior.candidates import Candidate
from metasolve.solve.solver import Value
from metasolve.space import Space
from metasolve.space.setting import typed

_EXACT = ("lu", "cholesky")  # under any Krylov method they take what they take


@dataclass(frozen=True)
class Place:
    """A candidate in a space.

    Attributes
    ----------
    number : its place in the prior.
    symmetric : whether it is for symmetric operators with a positive diagonal only.
    settings : what it is.
    encoded, matters : (dim,) what the surrogate sees, and which coordinates of it count.
    """

    number: int
    symmetric: bool
    settings: dict[str, Value]
    encoded: NDArray[np.float64]
    matters: NDArray[np.bool_]


def places(space: Space, candidates: Sequence[Candidate], parallel: bool) -> list[Place]:
    """The candidates that a space holds, with settings that they do not name at their defaults.

    Parameters
    ----------
    parallel : whether systems are solved on several ranks.
    """
    found = []
    for number, candidate in enumerate(candidates):
        options = candidate.parallel if parallel else candidate.serial
        settings = _settings(space, options) if options else None
        if settings is not None:
            matters = _matters(space, settings)
            encoded = space.encode(settings)
            found.append(Place(number, candidate.symmetric, settings, encoded, matters))
    return found


def _settings(space: Space, options: Mapping[str, str]) -> dict[str, Value] | None:
    """Options as settings; None where one cannot be set, or not to this."""
    exact = options.get("pc_type") in _EXACT
    told = {name: text for name, text in options.items() if not (exact and name == "ksp_type")}
    held = {name: text for name, text in told.items() if name in space.names}
    if any(space.fixed.get(name) != text for name, text in told.items() if name not in held):
        return None
    try:
        asked = {name: typed(space[name], text) for name, text in held.items()}
        settings = space.complete(asked)
    except (SpaceError, ValueError):
        return None
    return settings if all(settings[name] == value for name, value in asked.items()) else None


def _matters(space: Space, settings: Mapping[str, Value]) -> NDArray[np.bool_]:
    matters = space.active(settings)
    if settings.get("pc_type") in _EXACT:
        for name in space.names:
            if name.startswith("ksp_"):
                matters[space.block(name)] = False
    return matters
