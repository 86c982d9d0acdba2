"""What a user's own command says about the instance, read by the template of the case."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from metasolve.errors import UsageError
from metasolve.program import template
from metasolve.program.case import Case, Input
from metasolve.program.deck import DECKS
from metasolve.program.instances import names


@dataclass(frozen=True)
class Matched:
    """A command seen through a template.

    Attributes
    ----------
    arguments : text of every name the command or its input files give a value for.
    places : user's word number to the template's word, where that has a placeholder.
    absent : words of the template, flag first, that the command lacks.
    files : input name to the user's file.
    words : input name to the number of the word that names it.
    """

    arguments: dict[str, str]
    places: dict[int, str]
    absent: list[list[str]]
    files: dict[str, Path]
    words: dict[str, int]


def match_command(case: Case, command: Sequence[str]) -> Matched:
    """Find the placeholders and the input files of a case in a command and its environment.

    A word after a flag is found by the flag, a word with text around its placeholder by that text,
    any other by its position after the program.

    Raises
    ------
    UsageError
        If an input file cannot be read or does not look like its template.
    """
    found = Matched({}, {}, [], {}, {})
    inputs = {each.name: each for each in case.input if each.text is not None}
    for number, word in enumerate(case.command):
        if not (template.names(word) or Path(word).name in inputs):
            continue
        place = _place(case, number, command)
        if template.names(word):
            _take(found, case, number, command, place)
        elif place is not None:
            found.words[Path(word).name] = place
            found.files[Path(word).name] = Path(command[place])
    for name, text in case.environment.items():
        found.arguments.update(template.match(text, os.environ.get(name, "")) or {})
    for name, each in inputs.items():
        found.files.setdefault(name, Path(name))
        found.arguments.update(_from_file(case, each, found.files[name]))
    return found


def _take(
    found: Matched, case: Case, number: int, command: Sequence[str], place: int | None
) -> None:
    word = case.command[number]
    values = template.match(word, command[place]) if place is not None else None
    if place is None or values is None:
        flag = _flag_before(case.command, number)
        found.absent.append([flag, word] if flag else [word])
        return
    found.places[place] = word
    found.arguments.update(values)


def _flag_before(words: Sequence[str], number: int) -> str | None:
    before = words[number - 1] if number else ""
    return before if before.startswith("-") and not template.names(before) else None


def _place(case: Case, number: int, command: Sequence[str]) -> int | None:
    """Number of the word of a command that stands where a word of the template does."""
    word, flag = case.command[number], _flag_before(case.command, number)
    if template.names(word) and template.fill(word, dict.fromkeys(template.names(word), "")):
        hits = [i for i, each in enumerate(command) if template.match(word, each) is not None]
        return hits[0] if len(hits) == 1 else None
    if flag is not None:
        hits = [i for i, each in enumerate(command[:-1]) if each == flag]
        return hits[-1] + 1 if hits else None
    place = number + _offset(case, command)
    return place if place < len(command) else None


def _offset(case: Case, command: Sequence[str]) -> int:
    """How much later the program stands in the command than in the template: after an mpiexec."""
    there = [Path(word).name for word in command]
    for number, word in enumerate(case.command):
        name = Path(word).name
        if not word.startswith("-") and not template.names(word) and name in there:
            return there.index(name) - number
    return len(command) - len(case.command)


def _from_file(case: Case, each: Input, path: Path) -> dict[str, str]:
    wanted = names(case)
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"input file {path}: {error}; name it in the command") from error
    if each.format == "template":
        known = [*wanted, *(setting.name for setting in case.space.settings)]
        places = template.match_file(each.text or "", text, known)
        return {name: text[start:end] for name, start, end in places if name in wanted}
    inside = DECKS[each.format].variables(text)
    return {name: str(inside[name.lower()][1]) for name in wanted if name.lower() in inside}
