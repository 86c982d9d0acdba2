"""Which PETSc the program of a command is linked to, and the plug-in that is built for it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from metasolve.petsc import compiled, elf, installation
from metasolve.petsc.place import LOADER

_PETSC = re.compile(r"libpetsc(?!4py)[\w-]*\.so[.\d]*")
_LONGEST = 10  # seconds that a dynamic linker may take to find the libraries of a program


def folder(
    command: Sequence[str], tell: Callable[[str], None] | None = None
) -> tuple[Path, list[Path]]:
    """Return the folder of the plug-in for a command, and the files that this follows from.

    METASOLVE_PETSC_DIR comes first, then the PETSc that the program is linked to, and last the one
    that `installation.find` finds: of a script, or of a program whose PETSc has no headers here.
    What is compiled is told before, as `compiled.build` does.

    Raises
    ------
    PluginError
        As `compiled.folder`.
    """
    library = None if os.environ.get("METASOLVE_PETSC_DIR") else petsc_of(command)
    found = None if library is None else installation.of_library(library)
    place = compiled.kept(library.name) if library is not None and found is None else None
    if place is None:
        place = compiled.folder(found, tell)
    files = [place / name for name in (LOADER, compiled.CORE, compiled.MANIFEST)]
    return place, files if library is None else [*files, library]


def petsc_of(command: Sequence[str]) -> Path | None:
    """Return the library of PETSc that the program of a command is linked to.

    Words that are no programs (options, data) and those before it (mpiexec, env) have none.
    """
    programs = list(_programs(command))
    programs.sort(key=lambda program: not _names_petsc(program))  # the others stay in order
    return next(filter(None, map(_linked, programs)), None)


def _programs(command: Sequence[str]) -> Iterator[Path]:
    """Yield the words of a command that are executable files of their own."""
    for word in command:
        place = None if word.startswith("-") else shutil.which(word)
        if place is not None:
            with contextlib.suppress(OSError, ValueError):
                if elf.linker(Path(place)):
                    yield Path(place)


def _names_petsc(program: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return any(map(_PETSC.fullmatch, elf.needed(program)))
    return False


def _linked(program: Path) -> Path | None:
    """Ask the dynamic linker of a program; nothing of the program itself runs."""
    linker = elf.linker(program) or ""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        asked = [
            linker,
            "--list",
            str(program.absolute()),
        ]  # a name alone is searched for elsewhere
        told = subprocess.run(
            asked, capture_output=True, text=True, errors="replace", timeout=_LONGEST, check=False
        )
        for name, place in re.findall(r"^\s*(\S+) => (/.*) \(0x", told.stdout, re.MULTILINE):
            if _PETSC.fullmatch(name):
                return Path(place)
    return None
