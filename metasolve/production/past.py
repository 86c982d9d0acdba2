"""Earlier states of a program: listed, pinned, compared, and brought back.

The plug-in keeps what each run has found, in ``PROGRAM.states`` beside the last state.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metasolve.errors import UsageError
from metasolve.files.atomic import write_atomically
from metasolve.production import journal, lines, site, state
from metasolve.production.state import Operators, digest
from metasolve.production.words import StateError

PINNED = ".pinned"  #: the plug-in thins out what ends in .state
LEAST = 4  #: characters of an id
_ID = re.compile(rf"[0-9a-f]{{{LEAST},16}}")


@dataclass
class Version:
    """A state that a program has, or had.

    Parameters
    ----------
    id, file, time
        What it is called, where it is, and when it was written (Unix time).
    run
        That has written it; empty: no journal tells.
    """

    id: str
    file: Path
    time: float
    run: str = ""


def is_id(word: str) -> bool:
    """Whether a word is how an id of a state begins."""
    return _ID.fullmatch(word) is not None


def versions(file: Path) -> list[Version]:
    """Return all states of a program that can be read, the one in `file` last."""
    return _looked_at(file)[0]


def damaged(file: Path) -> list[StateError]:
    """Return what is wrong with the others, the one in `file` last."""
    return _looked_at(file)[1]


def _looked_at(file: Path) -> tuple[list[Version], list[StateError]]:
    runs = dict(_written(file.with_suffix(".jsonl")))
    earlier, wrong = dict[str, Version](), list[StateError]()
    kept = site.earlier(file)
    for each in [*sorted(kept.glob("*.state")), *sorted(kept.glob(f"*{PINNED}"))]:
        try:
            version = _version(each, runs)
        except StateError as error:
            if each.exists():  # a run that ends thins them out
                wrong.append(error)
            continue
        earlier.setdefault(version.id, version)
    found = sorted(earlier.values(), key=lambda each: each.time)
    try:
        last = _version(file, runs)
    except StateError as error:
        return found, [*wrong, error]
    return [*(each for each in found if each.id != last.id), last], wrong


def _version(file: Path, runs: Mapping[str, str]) -> Version:
    name = digest(state.read(file)[0])
    return Version(name, file, file.stat().st_mtime, runs.get(name, ""))


def _written(log: Path) -> Iterator[tuple[str, str]]:
    """Ids of states, and the runs that have written them."""
    for file in (log.with_name(log.name + ".1"), log):
        with contextlib.suppress(OSError):  # it is not ours
            for line in journal.read(file, only=b'"source":"state"'):
                yield str(line.get("state")), str(line.get("run"))


def known(file: Path, name: str) -> Version:
    """Return a state by the first digits of its id.

    Raises
    ------
    UsageError
        If there is none, or more than one.
    """
    there = versions(file)
    found = [each for each in there if each.id.startswith(name) and is_id(name)]
    if len(found) == 1:
        return found[0]
    last = " ".join(each.id for each in there[-3:]) or "none"
    raise UsageError(
        f"{name} of {file.stem}: {_wrong(name, many=bool(found))}; the last are {last}; "
        f"metasolve history {file.stem} lists all"
    )


def _wrong(name: str, *, many: bool) -> str:
    if many:
        return "several states begin so"
    if len(name) < LEAST:
        return f"an id is told by at least its first {LEAST} characters"
    return "no such state" if is_id(name) else f"no id of a state ({LEAST} to 16 of 0-9 and a-f)"


def pinned(file: Path, name: str) -> Path:
    """Return a file that holds a state for good: it is neither changed nor thinned out.

    Raises
    ------
    UsageError
        If there is no such state, or the file cannot be written.
    """
    version = known(file, name)
    target = site.earlier(file) / f"{version.id}{PINNED}"
    if not target.is_file():
        try:
            target.parent.mkdir(exist_ok=True)
            write_atomically(target, version.file.read_bytes())
        except OSError as error:
            raise UsageError(
                f"{target} cannot be written ({error.strerror}): copy {version.file} to where "
                "you can write"
            ) from error
    return target


def roll_back(file: Path, name: str) -> Version:
    """Let the next run begin with an earlier state; the last one stays among the earlier ones.

    Runs that are going on add to it what they have not saved yet. The journal has a line of it,
    before it is done.

    Raises
    ------
    UsageError
        If there is no such state, or the file cannot be written.
    """
    version = known(file, name)
    data = version.file.read_bytes()
    try:
        with alone(file):
            before = set_aside(file)
            told = (time.time(), "rollback", before, version.id)
            line = dict(zip(lines.ROLLBACK, told, strict=True))
            site.renew(file, data, site.journal_of(file), line)
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written ({error.strerror}): see that its folder is yours"
        ) from error
    return version


def set_aside(file: Path) -> str:
    """Put the last state among the earlier ones, if it is one; return its id."""
    try:
        before = digest(state.read(file)[0])
    except StateError:
        return ""  # a run does without it
    earlier = site.earlier(file) / f"{before}.state"
    earlier.parent.mkdir(exist_ok=True)
    if not earlier.exists():
        os.link(file, earlier)
    return before


def forget(file: Path) -> tuple[list[Path], list[Path]]:
    """Remove a state, and the earlier ones that are not pinned: return what went, and what stays.

    Raises
    ------
    UsageError
        If they cannot be removed; where that is seen at once, all of them are there still.
    """
    gone = [*sorted(site.earlier(file).glob("*.state")), *([file] if file.exists() else [])]
    closed = [
        each for each in {one.parent for one in gone} if not os.access(each, os.W_OK | os.X_OK)
    ]
    if closed:
        raise UsageError(
            f"nothing of {file.stem} was removed: the folder {min(closed)} cannot be written "
            "(Permission denied): make it yours, or ask whose it is"
        )
    try:
        for each in gone:
            each.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"{error.filename} cannot be removed ({error.strerror}), so {file.stem} is not "
            "forgotten as a whole: remove it yourself, and forget again"
        ) from error
    return gone, sorted(site.earlier(file).glob(f"*{PINNED}"))


@contextlib.contextmanager
def alone(file: Path) -> Iterator[None]:
    """As the plug-in does it, while it adds to the state."""
    handle = os.open(file.with_name(file.name + ".lock"), os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


# ---- what differs ----


def changes(before: list[Operators], after: list[Operators]) -> dict[str, list[str]]:
    """Return the names of classes that are new, gone, or have learned something."""
    old, new = {c.name: c for c in before}, {c.name: c for c in after}
    return {
        "new": [name for name in new if name not in old],
        "gone": [name for name in old if name not in new],
        "changed": [name for name, c in new.items() if name in old and c != old[name]],
    }


def history(file: Path) -> list[dict[str, Any]]:
    """Return what there is to know of each state of a program, the last one at the end."""
    told: list[dict[str, Any]] = []
    before: list[Operators] = []
    for each in versions(file):
        _, classes = state.read(each.file)
        found = changes(before, classes)
        told.append(
            {
                "id": each.id,
                "time": each.time,
                "run": each.run,
                "solves": sum(c.solves for c in classes),
                "classes": len(classes),
                **found,
            }
        )
        before = classes
    return told
