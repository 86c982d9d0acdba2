"""JSON of files that anybody may have written: every way to be malformed is one `ValueError`."""

from __future__ import annotations

import json
from typing import Any, NoReturn

DEEPEST = 40  #: levels of nesting; ours have fewer than ten


def parse(text: str | bytes) -> Any:
    """What a JSON text says.

    Raises
    ------
    ValueError
        If it is not UTF-8 or not JSON (which has neither NaN nor infinity), is nested more than
        `DEEPEST` levels or holds a number of thousands of digits.
    """
    try:
        found = _DECODER.decode(text if isinstance(text, str) else text.decode())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    _check_depth(found)
    return found


def parse_object(text: str | bytes) -> dict[str, Any]:
    """The same of what must be an object.

    Raises
    ------
    ValueError
        As :func:`parse`, or if it is something else.
    """
    found = parse(text)
    if not isinstance(found, dict):
        raise ValueError(f"{type(found).__name__} in place of an object")  # noqa: TRY004
    return found


def parse_line(line: bytes) -> dict[str, Any]:
    """The same of one of very many lines, with nothing before or behind the object.

    Levels are not counted, which would take as long as all else: whoever reads it must not go down
    all of them.

    Raises
    ------
    ValueError
        As :func:`parse_object`.
    """
    text = line.decode()
    try:
        found, end = _DECODER.raw_decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if end != len(text) or not isinstance(found, dict):
        raise ValueError("not one object")
    return found


def _refuse(word: str) -> NoReturn:
    """NaN and infinities, which Python would read."""
    raise ValueError(f"{word} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _check_depth(found: Any) -> None:
    level = [found] if isinstance(found, (dict, list)) else []
    for _ in range(DEEPEST):
        inside = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for some in inside for each in some if isinstance(each, (dict, list))]
        if not level:
            return
    raise ValueError(f"nested more than {DEEPEST} levels deep")
