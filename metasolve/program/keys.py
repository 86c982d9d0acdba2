"""Lines of key = value: a program's own file with some values changed, all else as it was.

``name = value``, ``name: value`` or ``name value``, one a line; ``[section]`` begins a group; what
follows ``#``, ``!``, ``;`` or ``//`` is a comment.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from metasolve.errors import UsageError
from metasolve.program.namelist import typed
from metasolve.solve.solver import Value

_SECTION = re.compile(r"\s*\[([^\]]+)\]\s*")
_WORD, _QUOTED = r"[^\s#!;=:]+", r"""\"[^\"]*\"|'[^']*'"""
_WORDS = r"[^\s#!;]+(?:[ \t]+(?!//)[^\s#!;]+)*"
_LINE = re.compile(
    r"\s*(?P<name>[A-Za-z][\w.-]*)"
    rf"(?:\s*[=:]\s*(?P<value>{_QUOTED}|{_WORDS})|[ \t]+(?P<alone>{_QUOTED}|{_WORD}))"
    r"\s*(?:[#!;].*|//.*)?"
)
_COMMENT = re.compile(r"\s*(?:(?:[#!;]|//).*)?")
#: How programs write that something is so, and that it is not.
_FLAGS = (("true", "false"), ("yes", "no"), ("on", "off"), (".true.", ".false."), ("1", "0"))


class _Entry(NamedTuple):
    name: str
    group: str
    text: str
    start: int
    end: int


def variables(text: str) -> dict[str, tuple[str, Any]]:
    """Name in lower case to its section (empty: none) and value.

    What stands in several places has no place of its own, and is left out.

    Raises
    ------
    UsageError
        If a line is something else, or there is none.
    """
    entries = list(_entries(text))
    times = Counter(each.name for each in entries)
    return {
        each.name: (each.group, typed(each.text.strip("\"'")))
        for each in entries
        if times[each.name] == 1
    }


def changed(text: str, values: Mapping[str, Value], group: str | None = None) -> str:
    """Text with values set, all else (comments included) as it was.

    Parameters
    ----------
    values : by name; upper and lower case are the same.
    group : not used: a name has to be in the file.

    Raises
    ------
    UsageError
        If a name is not in the file, or in it twice.
    """
    del group
    places = {each.name: each for each in _entries(text)}
    known = variables(text)
    for name in values:
        if name.lower() not in known:
            raise UsageError(f"variable {name!r} is not in the file, or twice; add it once")
    wanted = [(places[name.lower()], value) for name, value in values.items()]
    for place, value in sorted(wanted, key=lambda each: -each[0].start):
        text = text[: place.start] + _written(value, place.text) + text[place.end :]
    return text


def _entries(text: str) -> Iterator[_Entry]:
    group, start, found = "", 0, False
    for line in text.split("\n"):
        section, entry = _SECTION.fullmatch(line), _LINE.fullmatch(line)
        if section:
            group = section[1].strip()
        elif entry:
            found = True
            which = "value" if entry["value"] is not None else "alone"
            low, high = (start + at for at in entry.span(which))
            yield _Entry(entry["name"].lower(), group, entry[which], low, high)
        elif not _COMMENT.fullmatch(line):
            raise UsageError(f"{line.strip()[:40]!r} is no line of key = value")
        start += len(line) + 1
    if not found:
        raise UsageError("there is no line of key = value")


def _written(value: Value, before: str) -> str:
    """A value as the file has it: flags by its own words, texts in its own quotes."""
    if isinstance(value, bool):
        for pair in _FLAGS:
            if before.lower() in pair:
                word = pair[0] if value else pair[1]
                return word.upper() if before.isupper() else word
        return str(value).lower()
    quote = before[0] if before[:1] in ("'", '"') else ""
    text = f"{value:.12g}" if isinstance(value, float) else str(value)
    return f"{quote}{text}{quote}"
