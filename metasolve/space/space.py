"""`Space`: settings and the map between them and the vector a meta-model predicts.

The vector z ∈ R^dim is unconstrained; whatever it holds, `to_settings` returns settings that are
typed, within bounds and consistent with each other. Laws: ``to_settings(to_vector(s)) == s`` for
every complete canonical ``s``, and ``complete`` makes any valid partial settings such.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metasolve.errors import SpaceError, did_you_mean
from metasolve.solve.solver import Value
from metasolve.space.discrete import Choice, Flag
from metasolve.space.setting import Integer, Real, Setting, check_name
from metasolve.space.written import parse, read_toml, to_entry

Settings = dict[str, Value]
Arm = dict[str, str | bool]


@dataclass(frozen=True)
class Space:
    """Settings in an order with parents first, and options that are always on.

    Parameters
    ----------
    settings
        What may be tuned; a setting's parent, if any, is a `Choice` or `Flag` before it.
    fixed
        Option name to text, part of every evaluation.

    Raises
    ------
    SpaceError
        If names clash, or a condition names an unknown parent or value.
    """

    settings: tuple[Setting, ...]
    fixed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", tuple(self.settings))
        seen: dict[str, Setting] = {}
        for setting in self.settings:
            check_name(setting.name, [*seen, *self.fixed])
            _check_parent(setting, seen)
            seen[setting.name] = setting

    def __repr__(self) -> str:
        return (
            f"<Space: {len(self.discrete)} choices and flags, {len(self.numeric)} numbers, "
            f"{len(self.fixed)} fixed options>"
        )

    # --- shape -------------------------------------------------------------------------------

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the settings, in order."""
        return tuple(setting.name for setting in self.settings)

    @cached_property
    def discrete(self) -> tuple[Choice | Flag, ...]:
        """The settings that are chosen, in order."""
        return tuple(each for each in self.settings if isinstance(each, (Choice, Flag)))

    @cached_property
    def numeric(self) -> tuple[Real | Integer, ...]:
        """The settings that are tuned, in order."""
        return tuple(each for each in self.settings if isinstance(each, (Real, Integer)))

    @cached_property
    def dim(self) -> int:
        """Number of coordinates."""
        return sum(setting.width for setting in self.settings)

    @cached_property
    def parents(self) -> dict[str, str | None]:
        """Name of each setting's parent, None for those that are always active."""
        return {setting.name: next(iter(setting.when), None) for setting in self.settings}

    @cached_property
    def continuous(self) -> NDArray[np.bool_]:
        """Mask (dim,) of the coordinates of `Real` and `Integer` settings."""
        widths = [setting.width for setting in self.settings]
        return np.repeat([not setting.discrete for setting in self.settings], widths).astype(bool)

    @cached_property
    def general(self) -> NDArray[np.bool_]:
        """Mask (dim,) without the words that need a symmetric operator."""
        kinds = [
            each.general if isinstance(each, Choice) else np.ones(each.width, dtype=bool)
            for each in self.settings
        ]
        return np.concatenate([np.ones(0, dtype=bool), *kinds])

    @cached_property
    def _blocks(self) -> dict[str, slice]:
        blocks, start = {}, 0
        for setting in self.settings:
            blocks[setting.name] = slice(start, start + setting.width)
            start += setting.width
        return blocks

    def block(self, name: str) -> slice:
        """Coordinates of a setting."""
        self[name]
        return self._blocks[name]

    def offset(self, name: str) -> int:
        """First coordinate of a setting."""
        return int(self.block(name).start)

    def __getitem__(self, name: str) -> Setting:
        if name in self._by_name:
            return self._by_name[name]
        raise SpaceError(f"setting {name!r} is unknown; {did_you_mean(name, self.names)}")

    # --- vector <-> settings -----------------------------------------------------------------

    def to_settings(self, z: ArrayLike, symmetric: bool = True) -> Settings:
        """Active settings at any z (dim,): typed and bounded; NaN gives defaults.

        Where the operator is not `symmetric`, no word that needs it is chosen.
        """
        vector = self._vector(z)
        settings: Settings = {}
        for setting in self.settings:
            if not _is_active(setting, settings):
                continue
            where = vector[self._blocks[setting.name]]
            told = {"symmetric": symmetric} if isinstance(setting, Choice) else {}
            settings[setting.name] = setting.read(where, **told)
        return settings

    def to_vector(self, settings: Mapping[str, Value]) -> NDArray[np.float64]:
        """Vector (dim,) of settings; those inactive or not given take their default."""
        complete = self.complete(settings)
        values = (complete.get(each.name, each.preset) for each in self.settings)
        parts = [each.write(value) for each, value in zip(self.settings, values, strict=True)]
        return np.concatenate([np.empty(0), *parts])

    def complete(self, settings: Mapping[str, Value]) -> Settings:
        """All active settings, clamped and canonical; those not given take their default.

        Raises
        ------
        SpaceError
            If a setting is unknown, not active, or of the wrong type.
        """
        for name in settings:
            self[name]
        complete: Settings = {}
        for setting in self.settings:
            if _is_active(setting, complete):
                value = settings.get(setting.name, setting.preset)
                complete[setting.name] = setting.canonical(value)
            elif setting.name in settings:
                ((parent, values),) = setting.when.items()
                allowed = " or ".join(str(value) for value in values)
                raise SpaceError(
                    f"{setting.name}={settings[setting.name]!r} applies only when {parent} is "
                    f"{allowed}; leave it out"
                )
        return complete

    def clamp(self, z: ArrayLike) -> NDArray[np.float64]:
        """Copy of z (dim,) with continuous coordinates clamped to [-1, 1]; logits untouched."""
        vector = self._vector(z)
        return np.where(self.continuous, np.clip(vector, -1.0, 1.0), vector)

    def encode(self, settings: Mapping[str, Value]) -> NDArray[np.float64]:
        """Return what the surrogate sees, (dim,): `to_vector` with inactive coordinates 0."""
        return np.where(self.active(settings), self.to_vector(settings), 0.0)

    def active(self, settings: Mapping[str, Value]) -> NDArray[np.bool_]:
        """Mask (dim,) of the coordinates of active settings."""
        complete = self.complete(settings)
        mask = np.zeros(self.dim, dtype=bool)
        for name in complete:
            mask[self._blocks[name]] = True
        return mask

    def defaults(self) -> Settings:
        """Every active setting at its default."""
        return self.complete({})

    def sample(self, rng: np.random.Generator, arm: int | None = None) -> Settings:
        """Random settings, uniform in z within [-1, 1]; of one arm when given."""
        vector = rng.uniform(-1.0, 1.0, self.dim)
        if arm is not None:
            for name, value in self._arms[arm].items():
                vector[self._blocks[name]] = self[name].write(value)
        return self.to_settings(vector)

    def options(self, settings: Mapping[str, Value]) -> dict[str, str]:
        """Option name to text, as PETSc reads it; fixed options included."""
        complete = self.complete(settings)
        return {**self.fixed, **{name: self[name].text(value) for name, value in complete.items()}}

    # --- arms: joint assignments of the discrete settings ------------------------------------

    def arms(self) -> list[Arm]:
        """Every joint assignment of the active choices and flags, in a fixed order."""
        return [dict(arm) for arm in self._arms]

    def arm_of(self, settings: Mapping[str, Value]) -> int:
        """Index in :meth:`arms` of the arm that settings belong to."""
        complete = self.complete(settings)
        return self._arm_index[
            tuple((s.name, complete[s.name]) for s in self.discrete if s.name in complete)
        ]

    @cached_property
    def _arms(self) -> list[Arm]:
        arms: list[Arm] = [{}]
        for setting in self.discrete:
            arms = [longer for arm in arms for longer in _extend(arm, setting)]
        return arms

    @cached_property
    def _arm_index(self) -> dict[tuple[tuple[str, Value], ...], int]:
        return {tuple(arm.items()): index for index, arm in enumerate(self._arms)}

    # --- files -------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """JSON form, the same shape as the TOML file."""
        return {"setting": [to_entry(each) for each in self.settings], "fixed": dict(self.fixed)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Space:
        """Inverse of :meth:`to_dict`.

        Raises
        ------
        SpaceError
            If anything is unknown or invalid; names key, value and remedy.
        """
        return cls(*parse(data))

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> Space:
        """Space of a TOML file: ``[[setting]]`` tables with a ``type``, and ``[fixed]``.

        Raises
        ------
        SpaceError
            If the file cannot be read, or as :meth:`from_dict`.
        """
        try:
            return cls.from_dict(read_toml(path))
        except SpaceError as error:
            raise SpaceError(f"space file {path}: {error}") from error

    # --- within ------------------------------------------------------------------------------

    @cached_property
    def _by_name(self) -> dict[str, Setting]:
        return {setting.name: setting for setting in self.settings}

    def _vector(self, z: ArrayLike) -> NDArray[np.float64]:
        vector = np.asarray(z, dtype=np.float64)
        if vector.shape != (self.dim,):
            raise SpaceError(f"z has shape {vector.shape}; this space has ({self.dim},)")
        return vector


def _is_active(setting: Setting, above: Mapping[str, Value]) -> bool:
    """Whether the settings before it, of which `above` holds the active ones, admit a setting."""
    return all(above.get(parent) in values for parent, values in setting.when.items())


def _extend(arm: Arm, setting: Choice | Flag) -> list[Arm]:
    if not _is_active(setting, arm):
        return [arm]
    return [{**arm, setting.name: value} for value in setting.values]


def _check_parent(setting: Setting, above: Mapping[str, Setting]) -> None:
    for name, allowed in setting.when.items():
        parent = above.get(name)
        if parent is None or not parent.discrete:
            known = [each.name for each in above.values() if each.discrete]
            raise SpaceError(
                f"{setting.name}: when={name!r} is not a choice or flag before it; "
                + did_you_mean(name, known)
            )
        for value in allowed:
            parent.canonical(value)
