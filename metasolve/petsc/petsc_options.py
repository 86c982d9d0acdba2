"""PETSC_OPTIONS as PETSc reads it, and our library in it next to those of others.

PETSc splits at spaces, the list of libraries at commas. A quote counts only where a word begins,
and there is no escape; some versions know the double quote only. So what is written here is read
again as PETSc would, and a folder of an awkward name is handed over in an environment variable,
which PETSc replaces after it has split.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from metasolve.errors import PluginError, UsageError

OPTION = "dll_append"
FOLDER = "METASOLVE_FOLDER"
_DIALECTS = ('"', "\"'")  # what is a quote: in 3.18, and in later versions
_AWKWARD = re.compile(r"[\s,\"']")
_LONGEST = 1000  # bytes of a variable that PETSc replaces
_KEY = re.compile(r"--?(?!(?:inf|nan|infinity)$)([A-Za-z]\S*)", re.IGNORECASE)
_YAML = re.compile(rf"(?:^|[\s{{,])[\"']?-?{OPTION}[\"']?\s*:", re.IGNORECASE)
_FILES = ("~/.petscrc", ".petscrc", "petscrc")


def with_plugin(options: str, path: Path, command: Sequence[str] = ()) -> dict[str, str]:
    """Add our library to PETSC_OPTIONS, behind those that are loaded anyway.

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

    Returns
    -------
    dict
        The variables to set: PETSC_OPTIONS and, for a folder of an awkward name, one with the
        folder.

    Raises
    ------
    PluginError
        If PETSc cannot be told this path.
    """
    variables, ours = {}, str(path)
    if _AWKWARD.search(ours):
        variables[FOLDER] = str(path.parent)
        ours = f"${{{FOLDER}}}/{path.name}"
    skip = any(_is(word, "skip_petscrc") for word in command)
    files = [] if skip else [os.path.expanduser(name) for name in _FILES]  # noqa: PTH111 (no raise)
    before = _last([*_of_files(files, _DIALECTS[0]), *_pairs(options, _DIALECTS[0])])
    value = f"{before},{ours}" if before else ours
    separate = " " if options.strip() else ""
    quote = '"' if " " in value else ""
    text = f"{options}{separate}-{OPTION} {quote}{value}{quote}"
    if any(_last(list(_pairs(text, quotes))) != value for quotes in _DIALECTS):
        raise PluginError(
            f"PETSc would not find -{OPTION} behind PETSC_OPTIONS={options!r}: pop its "
            '-prefix_push, close its quotes, and let them be "'
        )
    if "${" in str(path) or (variables and len(os.fsencode(path)) > _LONGEST):
        raise PluginError(
            f"PETSc cannot be told to load {str(path)!r}: set XDG_CACHE_HOME to a folder of a "
            "short name of letters and digits"
        )
    return {**variables, "PETSC_OPTIONS": text}


def check_not_hidden(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Raise `UsageError` where something that PETSc reads after PETSC_OPTIONS would replace it."""
    found = None
    if any(_is(word, OPTION) for word in command):
        found = f"the command has -{OPTION}"
    elif _YAML.search(environment.get("PETSC_OPTIONS_YAML", "")):
        found = f"PETSC_OPTIONS_YAML sets {OPTION}"
    for word, value in pairwise(command):
        if _is(word, "options_file") and _last(list(_of_files([value], '"'))):
            found = f"the file {value!r}, an -options_file of the command, has -{OPTION}"
    if found:
        raise UsageError(f"{found}, which hides the plug-in: give it in PETSC_OPTIONS instead")


def _is(word: str, name: str) -> bool:
    return word.lower() in (f"-{name}", f"--{name}")


def _tokens(text: str, quotes: str) -> Iterator[str]:
    """Split as PetscTokenFind() does."""
    while text:
        end = " "
        if text[0] in quotes:
            end, text = text[0], text[1:]
        token, _, rest = text.partition(end)
        yield token
        text = rest.lstrip(" ")


def _pairs(text: str, quotes: str) -> Iterator[tuple[str, str]]:
    """Yield what PETSc would take for options, as PetscOptionsInsertString() does."""
    words, prefix = list(_tokens(text, quotes)), [""]
    for word, follows in pairwise([*words, "-end"]):
        key = _KEY.fullmatch(word)
        if not key:
            continue
        value = "" if _KEY.fullmatch(follows) else follows
        name = key[1].lower()
        if name == "options_file":
            yield from _of_files([value], quotes)
        elif name == "prefix_push":
            prefix.append(prefix[-1] + value)
        elif name == "prefix_pop":
            prefix = prefix[:-1] or prefix
        else:
            yield prefix[-1] + name, value


def _of_files(names: Iterable[str], quotes: str) -> Iterator[tuple[str, str]]:
    for name in names:
        try:
            text = Path(name).read_text(encoding="utf-8", errors="surrogateescape")
        except (OSError, ValueError):
            continue
        for line in re.split(r"[\r\n]", text):
            yield from _pairs(line.partition("#")[0].replace("\t", " "), quotes)


def _last(pairs: Sequence[tuple[str, str]]) -> str:
    return next((value for name, value in reversed(pairs) if name == OPTION), "")
