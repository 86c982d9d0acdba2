"""Fortran namelists: a program's own file with some variables changed; f90nml knows the grammar."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from metasolve.errors import UsageError
from metasolve.solve.solver import Value


def variables(text: str) -> dict[str, tuple[str, Any]]:
    """Variable name in lower case to its group and value.

    Raises
    ------
    UsageError
        If the text is no namelist.
    """
    found: dict[str, tuple[str, Any]] = {}
    for group, entries in _parsed(text).items():
        for each in entries if isinstance(entries, list) else [entries]:
            found |= {name.lower(): (group, value) for name, value in each.items()}
    return found


def changed(text: str, values: Mapping[str, Value], group: str | None = None) -> str:
    """Namelist with variables set, all else (comments included) as it was.

    Parameters
    ----------
    values : by variable; upper and lower case are the same.
    group : of variables that the text does not have yet.

    Raises
    ------
    UsageError
        If a variable is new and no group is given, or the text is no namelist.
    """
    import f90nml

    if not values:
        return text
    known = variables(text)
    patch: dict[str, dict[str, Value]] = {}
    for name, value in values.items():
        place = known[name.lower()][0] if name.lower() in known else group
        if place is None:
            raise UsageError(f"variable {name!r} is not in the namelist; add it, or give its group")
        patch.setdefault(place.lower(), {})[name.lower()] = value
    missing = [name for name in patch if name not in _parsed(text)]
    out = io.StringIO()
    parser = f90nml.Parser()
    parser.read(_stream(text), f90nml.Namelist(patch), out)
    extra = f90nml.Namelist({name: patch[name] for name in missing})
    return out.getvalue() + (f"{extra}\n" if missing else "")


def typed(text: str) -> Value:
    """A word as the number it is, else as text."""
    with contextlib.suppress(ValueError):
        return int(text)
    with contextlib.suppress(ValueError):
        return float(text)
    return text


@lru_cache(maxsize=16)
def _parsed(text: str) -> Mapping[str, Any]:
    import f90nml

    try:
        read: Mapping[str, Any] = f90nml.Parser().read(_stream(text))
    except Exception as error:  # f90nml raises what its tokeniser happens to run into
        raise UsageError(f"not a namelist ({error}): give a file of &group ... / blocks") from error
    return read


def _stream(text: str) -> io.StringIO:
    return io.StringIO(text if text.endswith("\n") else text + "\n")
