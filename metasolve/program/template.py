"""Templates: `{name}` in a text stands for a value. Filled before a run, matched in production."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from metasolve.errors import UsageError, did_you_mean

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


def names(text: str) -> list[str]:
    """Placeholders of a text, in order, doubled braces left alone."""
    return [found[1] for found in _BRACES.finditer(text) if found[1] is not None]


def fill(text: str, values: Mapping[str, str]) -> str:
    """Text with every placeholder replaced; ``{{`` and ``}}`` become braces.

    Raises
    ------
    UsageError
        If a placeholder is unknown.
    """

    def value(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        if found[1] not in values:
            raise UsageError(f"{{{found[1]}}} in {text!r} is unknown; {_remedy(found[1], values)}")
        return values[found[1]]

    return _BRACES.sub(value, text)


def _remedy(name: str, values: Mapping[str, str]) -> str:
    return did_you_mean(name, values) + "; write {{ and }} for braces"


def fill_file(text: str, values: Mapping[str, str]) -> str:
    """File with the placeholders of known names replaced; all other braces are the file's own."""
    return _known(values).sub(lambda found: values[found[1]], text) if values else text


def names_in_file(text: str, known: Sequence[str]) -> list[str]:
    """Those of the known names that a file has placeholders for."""
    return [found[1] for found in _known(known).finditer(text)] if known else []


def _known(words: Sequence[str] | Mapping[str, str]) -> re.Pattern[str]:
    return re.compile(r"\{(" + "|".join(map(re.escape, words)) + r")\}")


def match(template: str, word: str) -> dict[str, str] | None:
    """Values that make the template that word; None if none do. Inverse of `fill`."""
    pattern, order = "", []
    end = 0
    for found in _BRACES.finditer(template):
        pattern += re.escape(template[end : found.start()])
        pattern += re.escape(found[0][0]) if found[1] is None else r"(.+?)"
        order += [found[1]] if found[1] is not None else []
        end = found.end()
    hit = re.fullmatch(pattern + re.escape(template[end:]), word, re.DOTALL)
    return None if hit is None else dict(zip(order, hit.groups(), strict=True))


def match_file(template: str, text: str, known: Sequence[str]) -> list[tuple[str, int, int]]:
    """Where in a user's file the values of a template are: (name, start, end), in order.

    Each line of the template with a placeholder is looked for in the file: the line of the same
    number if it fits, else the only line that does. White space may differ; lines without a
    placeholder do not matter.

    Raises
    ------
    UsageError
        If a line cannot be found.
    """
    starts, lines = [0], text.split("\n")
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    places: list[tuple[str, int, int]] = []
    for number, line in enumerate(template.split("\n")):
        inside = names_in_file(line, known)
        if not inside:
            continue
        pattern = _line_pattern(line, known)
        fitting = [i for i, each in enumerate(lines) if pattern.fullmatch(each)]
        if number not in fitting and len(fitting) != 1:
            many = "several lines" if fitting else "no line"
            raise UsageError(
                f"{many} of the input file look like {line.strip()!r} of the template: "
                "keep the order of the template's lines"
            )
        found = number if number in fitting else fitting[0]
        hit = pattern.fullmatch(lines[found])
        assert hit is not None  # noqa: S101 (it is one of those fitting)
        offset = starts[found]
        places += [
            (name, offset + hit.start(i), offset + hit.end(i))
            for i, name in enumerate(inside, start=1)
        ]
    return sorted(places, key=lambda place: place[1])


def _line_pattern(line: str, known: Sequence[str]) -> re.Pattern[str]:
    parts = _known(known).split(line.strip())
    literal = [
        r"\s*".join(_loosely(word) for word in re.split(r"\s+", part)) for part in parts[::2]
    ]
    return re.compile(r"\s*" + r"(\S+?)".join(literal) + r"\s*")


def _loosely(word: str) -> str:
    return re.escape(word)


def replaced(text: str, places: Sequence[tuple[str, int, int]], values: Mapping[str, str]) -> str:
    """Text with new values at the places of those names that have one."""
    for name, start, end in reversed(places):
        if name in values:
            text = text[:start] + values[name] + text[end:]
    return text
