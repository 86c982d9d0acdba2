"""Many coordinates at once: what the settings that they stand for look like to the surrogate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metasolve.space.discrete import Choice, Flag
from metasolve.space.setting import Integer, Real
from metasolve.space.space import Space

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def encoded_at(space: Space, z: Array, symmetric: Mask) -> Array:
    """What ``space.encode(space.to_settings(z, symmetric))`` is for every row, (n, dim).

    Numbers are not rounded to the digits that their option texts have.

    Parameters
    ----------
    z : (n, dim) finite coordinates.
    symmetric : (n,) where not, no word is chosen that needs it.
    """
    encoded = np.zeros((len(z), space.dim))
    above = {each.name: each for each in space.discrete}
    chosen: dict[str, NDArray[np.int_]] = {}  # index of the value, -1 where not active
    for setting in space.settings:
        active = np.ones(len(z), dtype=bool)
        for parent, values in setting.when.items():
            active &= _among(above[parent], values, chosen[parent])
        where = space.block(setting.name)
        if isinstance(setting, Choice | Flag):
            index, written = _decided(setting, z[:, where], symmetric)
            chosen[setting.name] = np.where(active, index, -1)
        else:
            written = _rounded(setting, z[:, where])
        encoded[:, where] = np.where(active[:, None], written, 0.0)
    return encoded


def _among(
    setting: Choice | Flag, values: tuple[str | bool, ...], chosen: NDArray[np.int_]
) -> Mask:
    """Where (n,) the chosen value is one of some."""
    known: list[str | bool] = list(setting.values)
    return np.isin(chosen, [known.index(each) for each in values])


def _decided(setting: Choice | Flag, z: Array, symmetric: Mask) -> tuple[NDArray[np.int_], Array]:
    """Index (n,) of the value, and how it is written, (n, width)."""
    if isinstance(setting, Flag):
        on = z[:, 0] >= 0.0
        return on.astype(int), np.where(on, 1.0, -1.0)[:, None]
    allowed = setting.general | symmetric[:, None]
    index = np.argmax(np.where(allowed, z, -np.inf), axis=1)
    return index, np.eye(setting.width)[index]


def _rounded(setting: Real | Integer, z: Array) -> Array:
    """Coordinates (n, 1) within bounds, of whole numbers where the setting is one."""
    z = np.clip(z, -1.0, 1.0)
    if isinstance(setting, Real):
        return z
    ends = np.array([setting.low, setting.high], dtype=float)
    low, high = np.log(ends) if setting.scale == "log" else ends
    point = low + (z + 1.0) / 2.0 * (high - low)
    whole = np.floor((np.exp(point) if setting.scale == "log" else point) + 0.5)
    whole = np.clip(whole, *ends)
    point = np.log(whole) if setting.scale == "log" else whole
    unit: Array = 2.0 * (point - low) / (high - low) - 1.0
    return unit
