"""Journals read for a report: which files, line by line, what is damaged counted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from metasolve.errors import UsageError
from metasolve.production import site

VERSION = 1
SUFFIX = ".jsonl"
_LESSON = b',"learned":{'  # the last field of a line, half of it, and of no use here
_END = b"}\n"


class JournalError(UsageError):
    """A file that cannot be read as a journal.

    Parameters
    ----------
    path, why, remedy
        Which one; what is wrong with it, and what to do where it was named.
    worthless
        Whether there is nothing in it.
    """

    def __init__(self, path: Path, why: str, remedy: str, worthless: bool = False) -> None:
        super().__init__(path, why, remedy, worthless)
        self.remedy = remedy
        self.told = f"{path} {why}"
        self.left_out = f"{self.told}: {'it may be removed' if worthless else remedy}"

    def __str__(self) -> str:
        return " ".join(f"{self.told}: {self.remedy}".splitlines())


class Journal:
    """A journal: its file, and the one it was before it was full.

    Parameters
    ----------
    path
        Of the file; what it was before is ``FILE.1``.
    found
        Whether it was found in a folder, rather than named: others count without it.

    Attributes
    ----------
    lines, damaged : numbers of lines that were read, and of those that could not be.
    """

    def __init__(self, path: Path, *, found: bool = False) -> None:
        self.path, self.found = path, found
        self.lines = self.damaged = 0

    @property
    def files(self) -> list[Path]:
        """Those that are there, the older one first."""
        both = (self.path.with_name(self.path.name + ".1"), self.path)
        return [file for file in both if file.is_file()]

    @property
    def readable(self) -> bool:
        """Whether any line can be read."""
        try:
            return any(_is_one(file) for file in self.files)
        except OSError:
            return False

    @property
    def state(self) -> Path:
        """The state that lies beside it, where one does."""
        return self.path.with_suffix(".state")

    @property
    def beside(self) -> bool:
        """Whether states of the program it is called by lie, or have lain, beside it."""
        state = self.state
        lock = state.with_name(state.name + ".lock")  # it stays
        return any(each.exists() for each in (state, lock, site.earlier(state)))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the lines that can be read.

        Raises
        ------
        JournalError
            If none can, or they are of another version.
        """
        try:
            for file in self.files:
                yield from self._of(file)
        except OSError as error:
            remedy = "make it yours, or ask whose it is"
            raise JournalError(self.path, f"cannot be read ({error.strerror})", remedy) from error
        if not self.lines and self.path.is_dir():
            raise JournalError(self.path, "is a folder", "give a file in it", worthless=True)
        if not self.lines:
            raise JournalError(
                self.path, "is empty", "metasolve run --log FILE -- ./app fills it", worthless=True
            )
        if self.lines == self.damaged:
            raise JournalError(
                self.path,
                f"is no journal, none of its {self.lines} lines is of one",
                "give what metasolve run --log FILE has written, or the name of a program that "
                "metasolve run has started",
                worthless=True,
            )

    def _of(self, file: Path) -> Iterator[dict[str, Any]]:
        with file.open("rb") as lines:
            for line in lines:
                self.lines += 1
                found = parsed(line)
                if found is None:
                    self.damaged += 1
                    continue
                if found["source"] == "run" and found.get("version") != VERSION:
                    raise JournalError(
                        file,
                        f"is of version {found.get('version')}, not {VERSION}",
                        "read it with the metasolve that wrote it",
                    )
                yield found


def _is_one(file: Path) -> bool:
    with file.open("rb") as lines:
        return any(parsed(line) is not None for line in lines)


def parsed(line: bytes) -> dict[str, Any] | None:
    """Return what a line of a journal says, but for what was learned; None of a damaged one."""
    if not line.endswith(_END):
        return None
    end = line.find(_LESSON)
    try:
        found = from_json(line[:-1] if end < 0 else line[:end] + b"}", allow_inf_nan=False)
    except ValueError:
        return None
    known = isinstance(found, dict) and isinstance(found.get("source"), str)
    return found if known else None


def journals(names: Sequence[str]) -> list[Journal]:
    """Return the journals that are meant: all that `metasolve run` has kept, where none is named.

    Parameters
    ----------
    names
        Files, folders of such, or names of programs whose journals are in the site's folder.

    Raises
    ------
    UsageError
        If there is no such file.
    """
    if not names:
        return _inside(site.folder(), f"no run has kept a journal in {site.folder()} yet")
    found: dict[Path, Journal] = {}
    for name in names:
        for journal in _named(name):
            found.setdefault(journal.path.resolve(), journal)
    return list(found.values())


def _named(name: str) -> list[Journal]:
    """A name may be of a program and of a file here, often the program itself: no journal."""
    path, kept = Path(name), Journal(site.folder() / f"{name}{SUFFIX}")
    of_program = len(path.parts) == 1 and bool(kept.files)
    if path.is_dir() and (_all(path) or not of_program):
        return _inside(path, f"no journal in the folder {name}")
    here = Journal(path)
    if of_program and not here.readable:
        return [kept]
    if here.files:
        return [here]
    if path.exists():
        raise UsageError(f"{name} is not a file: give one that metasolve run --log has written")
    others = " ".join(sorted({journal.path.stem for journal in _all(site.folder())}))
    known = f"kept are those of {others}" if others else "give the file of metasolve run --log"
    raise UsageError(f"no journal {name}: no such file, and no program of this name; {known}")


def _inside(folder: Path, complaint: str) -> list[Journal]:
    found = _all(folder)
    if not found:
        raise UsageError(
            f"{complaint}: metasolve run -- ./app keeps one; or give the file of its --log"
        )
    return found


def _all(folder: Path) -> list[Journal]:
    names = {path.name.removesuffix(".1") for path in folder.glob(f"*{SUFFIX}*")}
    return [Journal(folder / name, found=True) for name in sorted(names) if name.endswith(SUFFIX)]


def since(moment: float) -> str:
    """Say how long ago a moment (Unix time) was."""
    seconds = max(time.time() - moment, 0)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' * (count != 1)} ago"
    return "less than a minute ago"
