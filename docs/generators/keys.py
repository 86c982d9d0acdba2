"""Keys of files and options of training, as their pydantic fields know them."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from generators.table import code, table
from metasolve.family.family import Family
from metasolve.program.case import Case
from metasolve.space.setting import KINDS
from metasolve.train.config import TrainConfig

_HEADER = ("key", "meaning", "type", "default")
_OURS = {"directory", "text", "columns"}  # filled in by the reader, not by the writer of a file


def of_program() -> str:
    """Keys of a case.toml that describes a program."""
    return table(_HEADER, _rows(Case))


def of_family() -> str:
    """Keys of a case.toml that describes generated systems."""
    return table(_HEADER, _rows(Family))


def of_training() -> str:
    """Fields of `TrainConfig`."""
    return table(_HEADER, _rows(TrainConfig))


def of_settings() -> str:
    """Keys of a setting, for each of its types."""
    rows = []
    for kind, cls in KINDS.items():
        for each in dataclasses.fields(cls):
            needed = each.default is dataclasses.MISSING
            needed = needed and each.default_factory is dataclasses.MISSING
            default = "required" if needed else _dataclass_default(each)
            rows.append((code(kind), code(each.name), _plain(each.type), default))
    return table(("type", "key", "holds", "default"), rows)


def _dataclass_default(each: dataclasses.Field) -> str:
    value = {} if each.default is dataclasses.MISSING else each.default
    return _default(value)


_WORDS = {
    "str": "text",
    "float": "number",
    "int": "whole number",
    "bool": "true or false",
    "tuple[str, ...]": "list of words",
    "Condition": "`{parent: [values]}`",
    "Literal['linear', 'log']": "`linear` or `log`",
}


def _plain(annotation: str) -> str:
    return _WORDS[annotation.replace(" | None", "")]


def _rows(model: type[BaseModel], lead: str = "") -> Iterator[tuple[str, str, str, str]]:
    """One row per field; a table in the file becomes the rows of its own fields."""
    for name, field in model.model_fields.items():
        if name in _OURS:
            continue
        key, inner, several = field.alias or name, _table_of(field.annotation), _several(field)
        if inner is None:
            told, _, said = (field.description or "").rstrip(".").partition("; default: ")
            yield code(lead + key), told, _type(field), said or _of(field)
            continue
        brackets = f"[[{key}]]" if several else f"[{key}]"
        yield from _rows(inner, f"{brackets} ")


def _table_of(annotation: Any) -> type[BaseModel] | None:
    for each in (annotation, *get_args(annotation)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None


def _several(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is list


def _type(field: FieldInfo) -> str:
    return ", ".join(filter(None, [_named(field.annotation), _bounds(field)]))


def _named(annotation: Any) -> str:
    """How a person would call a type."""
    origin, inner = get_origin(annotation), [a for a in get_args(annotation) if a is not type(None)]
    if origin is Literal:
        return ", ".join(code(str(each)) for each in inner)
    if origin is Annotated:
        return _named(inner[0])
    if origin in (Union, types.UnionType):
        return " or ".join(map(_named, inner))
    if origin is list:
        return "list of tables" if get_origin(inner[0]) is dict else f"list of {_named(inner[0])}s"
    if origin is dict:
        return "table"
    names = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "path"}
    return names.get(annotation, str(annotation))


def _bounds(field: FieldInfo) -> str:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    told = [
        f"{text} {getattr(each, key):g}"
        for each in field.metadata
        for key, text in words.items()
        if hasattr(each, key)
    ]
    return " and ".join(told)


def _of(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return _default(field.default)


def _default(value: Any) -> str:
    if value is PydanticUndefined or value in (None, {}, [], ()) or value == {"setting": []}:
        return ""
    text = str(value).lower() if isinstance(value, bool) else f"{value}"
    return code(text)
