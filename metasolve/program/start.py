"""`Start`: words, environment and files of one run, settings and arguments put in their places."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from metasolve.program import namelist, template
from metasolve.program.case import Case, Input
from metasolve.program.deck import DECKS
from metasolve.solve.solver import Value


@dataclass(frozen=True)
class Start:
    """How to start a run.

    Attributes
    ----------
    words : program and arguments.
    environment : variables to add.
    files : text by name, to be written into the run's directory.
    copies : files to be copied there.
    """

    words: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    copies: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Values:
    """Values for the places of a case.

    Attributes
    ----------
    arguments : text of what varies.
    settings : what is set, conditional settings complete; empty for the program's own settings.
    texts : the same as texts, the fixed options of the space included.
    shown : text of every placeholder: where nothing is set, the default the case declares.
    """

    arguments: Mapping[str, str]
    settings: Mapping[str, Value]
    texts: Mapping[str, str]
    shown: Mapping[str, str]

    @classmethod
    def of(cls, case: Case, arguments: Mapping[str, str], settings: Mapping[str, Value]) -> Values:
        """Complete the settings; none at all means the program's own.

        Raises
        ------
        SpaceError
            If a setting is unknown.
        """
        complete = case.space.complete(settings) if settings else {}
        texts = case.space.options(settings) if settings else {}
        defaults = {each.name: each.text(each.preset) for each in case.space.settings}
        return cls(arguments, complete, texts, {**defaults, **arguments, **texts})


def start(case: Case, arguments: Mapping[str, str], settings: Mapping[str, Value]) -> Start:
    """Place the arguments of an instance and settings (none: the program's own).

    Raises
    ------
    UsageError
        If a value has no place, or a setting is unknown.
    """
    values = Values.of(case, arguments, settings)
    words = [_absolute(case, template.fill(word, values.shown)) for word in case.command]
    texts = {each.name: filled(each, values) for each in case.input if each.text is not None}
    more, environment = travelling(case, values.texts)
    return Start(
        words + more,
        {**filled_environment(case, values.shown), **environment},
        texts,
        tuple(case.path(each.file) for each in case.input if each.format == "copy"),
    )


def filled_environment(case: Case, shown: Mapping[str, str]) -> dict[str, str]:
    """Variables that the case adds."""
    return {name: template.fill(text, shown) for name, text in case.environment.items()}


def filled(each: Input, values: Values) -> str:
    """Content of an input file for a run."""
    text = each.text or ""
    if each.format == "template":
        return template.fill_file(text, values.shown)
    known = {**{k: namelist.typed(v) for k, v in values.arguments.items()}, **_typed(values)}
    deck = DECKS[each.format]
    group, inside = each.group, deck.variables(text)
    return deck.changed(
        text, {k: v for k, v in known.items() if group or k.lower() in inside}, group
    )


def _typed(values: Values) -> dict[str, Value]:
    fixed = {k: namelist.typed(v) for k, v in values.texts.items() if k not in values.settings}
    return {**fixed, **values.settings}


def travelling(case: Case, texts: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Words and variables of the settings that have no place of their own."""
    placed = set(places(case))
    left = {name: text for name, text in texts.items() if name not in placed}
    through, words = case.settings.through, []
    if not left or through is None:
        return [], {}
    if through == "environment":
        return [], left
    if through == "petsc":
        return [], {"PETSC_OPTIONS": petsc_options(left)}
    for name, text in left.items():
        flag = shlex.split(case.settings.flag)
        words += [template.fill(word, {"name": name, "value": text}) for word in flag]
    return words, {}


def petsc_options(options: Mapping[str, str]) -> str:
    """The user's PETSC_OPTIONS with options appended: the last of two values counts."""
    words = [f"-{name} {text}" for name, text in options.items()]
    return " ".join([os.environ.get("PETSC_OPTIONS", ""), *words]).strip()


def places(case: Case) -> list[str]:
    """Names that the command, the environment or an input file has a place for."""
    known = [each.name for each in (*case.space.settings, *case.varies.settings)]
    found = [name for text in (*case.command, *case.environment.values()) for name in _in(text)]
    for each in case.input:
        if each.format == "template":
            found += template.names_in_file(each.text or "", known)
        elif each.format in DECKS:
            inside = DECKS[each.format].variables(each.text or "")
            found += [name for name in known if each.group or name.lower() in inside]
    return found


def _in(text: str) -> list[str]:
    return template.names(text)


def _absolute(case: Case, word: str) -> str:
    """A word with a slash that names something next to case.toml: each run has its own folder."""
    path = case.path(word)
    return str(path.resolve()) if "/" in word and path.exists() else word
