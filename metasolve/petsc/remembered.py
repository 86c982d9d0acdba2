"""Which plug-in a command was given before, while nothing that decides it has changed.

To find it anew takes longer than all else at the start: pkg-config and the dynamic linker are
asked, and sources and libraries are hashed. What they would read is only looked at here.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from metasolve.petsc.place import LOADER, cache, loader

FILE = "found.json"
MOST = 16  #: situations that are remembered
_PACKAGE = Path(__file__).parent
_VARIABLES = (
    *("METASOLVE_PETSC_DIR", "PETSC_DIR", "PETSC_ARCH", "METASOLVE_CC", "PATH"),
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"),
)
_MULTIARCH = getattr(sys.implementation, "_multiarch", "")
_PKG_CONFIG = (
    *("/usr/local/lib/pkgconfig", "/usr/local/share/pkgconfig", "/usr/lib/pkgconfig"),
    *("/usr/share/pkgconfig", f"/usr/lib/{_MULTIARCH}/pkgconfig"),
)
_RULES = ("compiled.py", "installation.py", "linked.py", "elf.py", "place.py")


def build(command: Sequence[str] = (), tell: Callable[[str], None] | None = None) -> Path:
    """Return the library that PETSc is told to load in this command's program.

    Where it has to be compiled, `tell` is called with one line before.

    Raises
    ------
    PluginError
        As `linked.folder`.
    """
    place = recall(cache(), command)
    if place is not None and os.access(place / LOADER, os.X_OK):
        return place / LOADER
    from metasolve.petsc import linked  # what finds and compiles one is slow to import

    place, files = linked.folder(command, tell)
    note(cache(), command, place, files)
    return loader(place)


def recall(folder: Path, command: Sequence[str]) -> Path | None:
    """Return the folder that the same situation led to, if nothing in it has changed since.

    Parameters
    ----------
    folder : of all plug-ins.
    """
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))[_situation(command)]
        if all(_mark(Path(name)) == mark != "-" for name, mark in found["files"].items()):
            return folder / str(found["folder"])
    return None


def note(folder: Path, command: Sequence[str], place: Path, files: Iterable[Path]) -> None:
    """Remember a folder of the cache; what cannot be written is found anew the next time.

    Parameters
    ----------
    files : must stay as they are.
    """
    entries: dict[str, object] = {}
    with contextlib.suppress(OSError, ValueError, TypeError):
        entries = dict(json.loads((folder / FILE).read_text(encoding="utf-8")))
    key = _situation(command)
    entries.pop(key, None)
    entries[key] = {"folder": place.name, "files": {str(file): _mark(file) for file in files}}
    kept = dict(list(entries.items())[-MOST:])
    with contextlib.suppress(OSError):
        partial = folder / f"{FILE}.{os.getpid()}"
        partial.write_text(json.dumps(kept), encoding="utf-8")
        partial.replace(folder / FILE)


def _situation(command: Sequence[str]) -> str:
    said = [os.environ.get(name) for name in _VARIABLES]
    return json.dumps([sys.prefix, said, [_mark(file) for file in _looked_at(command)]])


def _mark(file: Path | os.DirEntry[str]) -> str:
    """What tells that a file has changed; a link stands for what it leads to."""
    try:
        seen = file.stat()
    except (OSError, ValueError):
        return "-"
    return f"{seen.st_ino}:{seen.st_size}:{seen.st_mtime_ns}"


def _looked_at(command: Sequence[str]) -> Iterator[Path | os.DirEntry[str]]:
    """Yield what decides: programs, PETSc's descriptions, and this package's sources."""
    for word in command:
        program = None if word.startswith("-") else shutil.which(word)
        if program is not None:
            yield Path(program)
    yield Path("/etc/ld.so.cache")
    for folder in (*os.environ.get("PKG_CONFIG_PATH", "").split(":"), *_PKG_CONFIG):
        yield Path(folder, "PETSc.pc")
        yield Path(folder, "petsc.pc")
    for name in ("METASOLVE_PETSC_DIR", "PETSC_DIR"):
        root = Path(os.environ.get(name, ""), os.environ.get("PETSC_ARCH", ""))
        yield root / "lib/petsc/conf/petscvariables"
        yield root / "include/petscconf.h"
    yield from (Path(folder, "petsc4py/lib/petsc.cfg") for folder in sys.path)
    yield from (_PACKAGE / name for name in _RULES)
    for folder in ("plugin", "plugin/loader"):
        yield from sorted(os.scandir(_PACKAGE / folder), key=lambda entry: entry.name)
