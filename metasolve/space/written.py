"""The written form of a space: ``[[setting]]`` entries with a ``type``, and ``[fixed]`` options.

.. code-block:: toml

    [[setting]]
    name = "pc_sor_omega"
    type = "real"                 # real, integer, choice or flag
    low = 0.5
    high = 1.9
    scale = "linear"              # or "log"
    default = 1.0
    when = { pc_type = ["sor"] }  # at most one parent, declared before

    [[setting]]
    name = "ksp_type"
    type = "choice"
    values = ["gmres", "cg"]
    symmetric = ["cg"]            # for symmetric operators with a positive diagonal only

    [fixed]
    ksp_norm_type = "unpreconditioned"
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from metasolve.errors import SpaceError, did_you_mean
from metasolve.files.complaint import explain
from metasolve.space.setting import KINDS, Setting

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class _File(BaseModel):
    """What a space file may hold."""

    model_config = ConfigDict(extra="forbid")
    setting: list[dict[str, Any]]
    fixed: dict[str, str] = {}


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    SpaceError
        If it cannot be read or is not TOML.
    """
    try:
        read: dict[str, Any] = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SpaceError(f"{why}; give a readable TOML file") from error
    except RecursionError as error:
        raise SpaceError("nested too deeply; give a readable TOML file") from error
    return read


def to_entry(setting: Setting) -> dict[str, Any]:
    """JSON form of one setting."""
    entry = {"type": setting.kind, **asdict(setting)}
    entry["when"] = {parent: list(values) for parent, values in setting.when.items()}
    for key in {"values", "symmetric"} & set(entry):
        entry[key] = list(entry[key])
    return entry


def parse(data: Mapping[str, Any]) -> tuple[tuple[Setting, ...], dict[str, str]]:
    """Build the settings and fixed options of a parsed space file.

    Raises
    ------
    SpaceError
        If anything is unknown, missing or of the wrong type.
    """
    try:
        parsed = _File.model_validate(dict(data))
    except ValidationError as error:
        raise SpaceError(f"space: {explain(error, lambda _: list(_File.model_fields))}") from error
    return tuple(_from_entry(entry) for entry in parsed.setting), parsed.fixed


def _from_entry(entry: Mapping[str, Any]) -> Setting:
    name, kind = entry.get("name", "setting without a name"), entry.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        raise SpaceError(f"{name}: type={kind!r} is unknown; {did_you_mean(kind, KINDS)}")
    keys = tuple(each.name for each in fields(KINDS[kind]))
    unknown = next((key for key in entry if key not in (*keys, "type")), None)
    if unknown is not None:
        value = entry[unknown]
        raise SpaceError(f"{name}: {unknown}={value!r} is unknown; {did_you_mean(unknown, keys)}")
    try:
        values = {key: value for key, value in entry.items() if key != "type"}
        return TypeAdapter(KINDS[kind]).validate_python(values)
    except ValidationError as error:
        raise SpaceError(f"{name}: {explain(error, lambda _: keys)}") from error
