"""The site's state: where what was learned of a program, and its journal, is kept."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from metasolve.errors import UsageError

MOST = 256 << 20  #: bytes of a journal, as the plug-in has it
LAUNCHERS = ("mpiexec", "mpirun", "orterun", "srun", "time", "nice", "env", "numactl", "stdbuf")
INTERPRETERS = ("python", "julia", "bash", "sh")


def folder() -> Path:
    """Return the folder of all programs: ``$XDG_STATE_HOME/metasolve``."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "metasolve"


def program(command: Sequence[str]) -> str:
    """Return the name of the program that a command starts.

    Launchers, interpreters and their options are passed over: it is the first word that names a
    file which is there, or can be run.

    >>> program(["mpiexec", "-n", "2", "python3", "/home/me/beam.py", "-n", "8"])
    'beam.py'
    """
    for word in command:
        name = Path(word).name
        stem = name.rstrip("0123456789.")
        if word.startswith("-") or "=" in word or stem in (*LAUNCHERS, *INTERPRETERS):
            continue
        if Path(word).suffix == ".py" or Path(word).is_file() or shutil.which(word):
            return name
    return Path(command[0]).name


def known(name: str, where: Path | None = None) -> Path:
    """Return the file of a state: of a program in a folder, or the file itself.

    Earlier states are enough: the last one need not be there.

    Parameters
    ----------
    where
        None for `folder`.

    Raises
    ------
    UsageError
        If there is none.
    """
    here = _file(name, where)
    if not is_known(name, where):
        others = " ".join(sorted(path.stem for path in here.parent.glob("*.state")))
        raise UsageError(
            f"nothing is known of {here.stem}: no file {here}; "
            + (f"there are {others}" if others else "metasolve run makes it")
        )
    return here


def is_known(name: str, where: Path | None = None) -> bool:
    """Whether a state is there, or an earlier one, see `known`."""
    here = _file(name, where)
    return here.is_file() or any(earlier(here).glob("*.*"))


def earlier(file: Path) -> Path:
    """Return the folder of the earlier states of the one in `file`."""
    return file.with_suffix(".states")


def _file(name: str, where: Path | None) -> Path:
    if name.endswith((".state", ".pinned")):
        return Path(name)
    return (where or folder()) / f"{name}.state"


def made(where: Path) -> Path:
    """Return a folder for states and journals, made where it is not there.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    where.mkdir(parents=True, exist_ok=True)
    if not os.access(where, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return where


def file_of(command: Sequence[str], where: Path) -> Path:
    """Return the file of a program's state, in a folder.

    Parameters
    ----------
    command
        That starts the program.
    """
    return where / f"{program(command)}.state"


def beside(state: Path) -> Path:
    """Return the file of what a state will be: a line of the journal tells of it before it is."""
    return state.with_name(state.name + ".new")


def journal_of(state: Path) -> Path:
    """Return the journal that is kept of a program, beside its state."""
    return state.with_suffix(".jsonl")


def keep(log: Path, journal: Path, *, again: bool = False) -> None:
    """Append what a run has written into a log of its own to the journal that is kept.

    It is done when the run has ended: a home directory is often far away, and a solve does not wait
    for it. A journal that would grow too long becomes ``FILE.1``, as the plug-in does it.

    Parameters
    ----------
    again
        Whether this may have been done before, or begun: lines that are there are not added.

    Raises
    ------
    OSError
        If it cannot be written; what was there is as before.
    """
    parts = [part for part in (log.with_name(log.name + ".1"), log) if part.is_file()]
    if not any(part.stat().st_size for part in parts):
        return
    journal.parent.mkdir(parents=True, exist_ok=True)
    with _alone(journal.parent):
        there = _common(parts, journal) if again else frozenset()
        for part in parts:
            _append(part, journal, there)


@contextlib.contextmanager
def _alone(where: Path) -> Iterator[None]:
    """Runs that end at once write one after the other, where the file system can tell them."""
    handle = os.open(where, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _common(parts: Sequence[Path], journal: Path) -> frozenset[bytes]:
    """Lines of a log that its journal has: no two are equal, for each tells its run and moment."""
    lines = {line for part in parts for line in _lines(part)}
    kept = (journal.with_name(journal.name + ".1"), journal)
    return frozenset(line for file in kept for line in _lines(file) if line in lines)


def _lines(file: Path) -> Iterator[bytes]:
    if file.is_file():
        with file.open("rb") as lines:
            yield from lines


def _append(part: Path, journal: Path, there: frozenset[bytes]) -> None:
    size = journal.stat().st_size if journal.exists() else 0
    given = os.environ.get("METASOLVE_LOG_MAX", "")
    most = int(given) if given.isdecimal() and int(given) else MOST
    if size and size + part.stat().st_size > most:
        journal.replace(journal.with_name(journal.name + ".1"))
        size = 0
    with part.open("rb") as lines, journal.open("ab") as kept:
        try:
            _end_line(journal, kept)
            kept.writelines(line for line in lines if line not in there)
            kept.flush()
        except OSError:
            with contextlib.suppress(OSError):
                kept.truncate(size)
            raise


def renew(state: Path, data: bytes, journal: Path, line: Mapping[str, object]) -> None:
    """Put a state in its place, once its journal, where there is one, has told so.

    Raises
    ------
    OSError
        If a file cannot be written. What was told of and is not in its place lies beside it then,
        and nothing else does.
    """
    new = beside(state)
    try:
        new.write_bytes(data)
        if journal.is_file():
            _tell(journal, line)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    new.replace(state)


def _tell(journal: Path, line: Mapping[str, object]) -> None:
    """Append one line to a journal, or raise an `OSError`."""
    data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
    with journal.open("ab", buffering=0) as kept:
        _end_line(journal, kept)
        if kept.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _end_line(journal: Path, kept: BinaryIO | FileIO) -> None:
    """Begin a new line where a killed program has left a part of one."""
    with journal.open("rb") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            kept.write(b"" if file.read() == b"\n" else b"\n")
