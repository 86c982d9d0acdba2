"""What pydantic complains of, in one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import ValidationError

from metasolve.errors import did_you_mean

_SHOWN = 80  # characters of a value


def explain(error: ValidationError, keys: Callable[[Sequence[str]], Sequence[str]]) -> str:
    """One line of the first of pydantic's complaints: key, value, remedy.

    Parameters
    ----------
    keys : called with the tables around an unknown key, for the keys that are known there.
    """
    # A misspelt key is also a missing one: the spelling is what to tell.
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    places = [part for part in first["loc"] if isinstance(part, str)]
    key = ".".join(places)
    if first["type"] in ("missing", "missing_argument"):
        return f"{key} is missing; add it"
    if first["type"] == "extra_forbidden":
        remedy = did_you_mean(places[-1], keys(places[:-1]))
        return f"{key}={_shown(first['input'])} is unknown; {remedy}"
    return f"{key}={_shown(first['input'])}: {first['msg']}"


def _shown(value: object) -> str:
    """Enough of a value to recognise it: it may be a whole table."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
