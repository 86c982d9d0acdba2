"""PETSC_OPTIONS as PETSc reads it, and our library in it next to those of others.

PETSc splits at spaces, the list of libraries at commas. A quote counts only where a word begins,
and there is no escape: so what is written here is read again as PETSc would, and refused where
something else would come out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from metasolve.errors import PluginError, UsageError

OPTION = "dll_append"
_QUOTES = "\"'"
_KEY = re.compile(r"--?(?!(?:inf|nan|infinity)$)([A-Za-z]\S*)", re.IGNORECASE)
_FALSE = ("0", "false", "no", "off")
_YAML = re.compile(rf"(?:^|[\s{{,])[\"']?-?{OPTION}[\"']?\s*:", re.IGNORECASE)
_FILES = ("~/.petscrc", ".petscrc", "petscrc")


def with_plugin(options: str, path: Path, command: Sequence[str] = ()) -> str:
    """Add our library to the text of PETSC_OPTIONS, behind those that are loaded anyway.

    Of several ``-dll_append`` PETSc reads the last one; what is named before, in `options` or in
    a file that PETSc reads by itself, is named again.

    Parameters
    ----------
    options
        As they are.
    path
        Our library.
    command
        The program and its arguments, which may tell PETSc to read no files.

    Raises
    ------
    PluginError
        If PETSc cannot be told this path.
    """
    skip = any(_is(word, "skip_petscrc") for word in command)
    before = [*([] if skip else _of_files()), *_pairs(options)]
    wanted = [*_libraries(before), str(path)]
    separate = " " if options.strip() else ""
    text = f"{options}{separate}-{OPTION} {_written(wanted)}"
    if "${" in str(path) or "\n" in str(path) or _libraries(list(_pairs(text))) != wanted:
        raise PluginError(
            f"PETSc cannot be told to load {str(path)!r} after PETSC_OPTIONS={options!r}: set "
            "XDG_CACHE_HOME to a folder of letters and digits; close quotes and -prefix_push"
        )
    return text


def check_not_hidden(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Raise `UsageError` where something that PETSc reads after PETSC_OPTIONS would replace it."""
    found = None
    if any(_is(word, OPTION) for word in command):
        found = f"the command has -{OPTION}"
    elif _YAML.search(environment.get("PETSC_OPTIONS_YAML", "")):
        found = f"PETSC_OPTIONS_YAML sets {OPTION}"
    for word, value in pairwise(command):
        if _is(word, "options_file") and _libraries(list(_of_file(value))):
            found = f"the file {value!r}, an -options_file of the command, has -{OPTION}"
    if found:
        raise UsageError(f"{found}, which hides the plug-in: give it in PETSC_OPTIONS instead")


def _is(word: str, name: str) -> bool:
    return word.lower() in (f"-{name}", f"--{name}")


def _tokens(text: str, separator: str) -> Iterator[str]:
    """Split as PetscTokenFind() does."""
    while text:
        end = separator
        if text[0] in _QUOTES:
            end, text = text[0], text[1:]
        token, _, rest = text.partition(end)
        yield token
        text = rest.lstrip(separator)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield what PETSc would take for options, as PetscOptionsInsertString() does."""
    words, prefix = list(_tokens(text, " ")), [""]
    for place, word in enumerate(words):
        key = _KEY.fullmatch(word)
        if not key:
            continue
        follows = words[place + 1] if place + 1 < len(words) else "-none"
        value = "" if _KEY.fullmatch(follows) else follows
        name = key[1].lower()
        if name == "options_file":
            yield from _of_file(value)
        elif name == "prefix_push":
            prefix.append(prefix[-1] + value)
        elif name == "prefix_pop":
            prefix = prefix[:-1] or prefix
        else:
            yield prefix[-1] + name, value


def _of_files() -> Iterator[tuple[str, str]]:
    for name in _FILES:
        yield from _of_file(os.path.expanduser(name))  # noqa: PTH111 (raises where there is no home)


def _of_file(name: str) -> Iterator[tuple[str, str]]:
    try:
        text = Path(name).read_text(encoding="utf-8", errors="surrogateescape")
    except (OSError, ValueError):
        return
    for line in re.split(r"[\r\n]", text):
        yield from _pairs(line.partition("#")[0].replace("\t", " "))


def _libraries(pairs: Sequence[tuple[str, str]]) -> list[str]:
    value = next((value for name, value in reversed(pairs) if name == OPTION), "")
    return list(_tokens(value, ","))


def _written(libraries: Sequence[str]) -> str:
    """Quote what has to be quoted, in whichever quotes it does not hold."""
    value = ",".join(_quoted(name, ",") for name in libraries)
    return _quoted(value, " ")


def _quoted(text: str, separator: str) -> str:
    if separator not in text and text[:1] not in _QUOTES:
        return text
    # PETSc takes the first quote for the end: nothing that holds both kinds can be written.
    quote = next((each for each in _QUOTES if each not in text), _QUOTES[0])
    return f"{quote}{text}{quote}"
