"""What pydantic complains of, in one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import ValidationError

from metasolve.errors import did_you_mean


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
        return f"{key}={first['input']!r} is unknown; {did_you_mean(places[-1], keys(places[:-1]))}"
    return f"{key}={first['input']!r}: {first['msg']}"
