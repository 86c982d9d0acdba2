"""`Condition`: under which values of its parent a setting exists."""

from __future__ import annotations

from collections.abc import Mapping

from metasolve.errors import SpaceError

Condition = Mapping[str, tuple[str | bool, ...]]


def check_when(name: str, when: Condition) -> Condition:
    """Raise `SpaceError` unless it is at most one parent with a list of values."""
    if len(when) > 1:
        raise SpaceError(f"{name}: when={when!r} has several parents; name one")
    for parent, values in when.items():
        if isinstance(values, (str, bool)) or not values:
            raise SpaceError(f"{name}: when.{parent}={values!r} is not a list of values; use [...]")
    return {parent: tuple(values) for parent, values in when.items()}
