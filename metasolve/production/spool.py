"""Where a run's journal lies until the run is over: a folder of its own for temporary files.

A solve does not wait for a home directory, which is often far away. The folder says what is to
become of the journal, and is locked by `metasolve run` and by all that the command starts. Whoever
is killed leaves it, and the next run takes it up.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from metasolve.errors import MetasolveError
from metasolve.files.atomic import read_regular
from metasolve.files.strict_json import parse_object
from metasolve.production import journal, recovery, site

_PREFIX, _ABOUT, _LOG = "metasolve-", "run.json", "run.jsonl"
_AWHILE = 1.0  # seconds


class Run(NamedTuple):
    """What is to become of a run's journal.

    Parameters
    ----------
    log, mark, launch
        Its lines, see `journal.since`.
    state, prior, age
        To which lessons that were not saved are added; the directory of the prior they are of, and
        when that was made (nanoseconds). No state: none is kept.
    journal
        To which the lines are added; None: they stay where they are, or are not kept.
    """

    log: Path
    mark: journal.Mark
    launch: str
    state: Path | None
    prior: Path
    age: int
    journal: Path | None

    @property
    def lines(self) -> Iterator[dict[str, Any]]:
        """Those of this run."""
        return journal.since(self.log, self.mark, self.launch)


class Spool:
    """The folder of one run.

    Parameters
    ----------
    folder, handle
        Where it is, and the open file whose lock says that the run goes on.
    """

    def __init__(self, folder: Path, handle: int) -> None:
        self.folder, self._handle = folder, handle

    @classmethod
    def made(cls) -> Spool:
        """Make one; or raise an `OSError`. What is started afterwards holds its lock, too."""
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        handle = os.open(folder / _ABOUT, os.O_RDWR | os.O_CREAT, 0o600)
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        os.set_inheritable(handle, True)
        return cls(folder, handle)

    @property
    def log(self) -> Path:
        """Where the lines of a run go that has no log of its own."""
        return self.folder / _LOG

    def describe(self, run: Run) -> None:
        """Write down what is to become of it; on a full disk a run that is killed is lost."""
        told = {key: _plain(value) for key, value in zip(Run._fields, run, strict=True)}
        with contextlib.suppress(OSError):
            os.write(self._handle, json.dumps(told).encode())

    def is_over(self) -> bool:
        """Let go of the lock; return whether nothing runs that the command has started."""
        os.close(self._handle)
        try:
            self._handle = os.open(self.folder / _ABOUT, os.O_RDWR)
            return _locked(self._handle, time.monotonic() + _AWHILE)
        except OSError:  # a file system without locks, or somebody has removed the folder
            return True

    def remove(self) -> None:
        """Remove the folder, or what of it can be removed."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _plain(value: Any) -> Any:
    return os.fspath(value.absolute()) if isinstance(value, Path) else value


def _locked(handle: int, until: float) -> bool:
    """Wait for a lock: what MPI starts beside a program ends a moment after it."""
    while not (got := _lock(handle)) and time.monotonic() < until:
        time.sleep(0.002)
    return got


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def abandoned(where: Path) -> Iterator[tuple[Spool, Run]]:
    """Yield the runs that were killed, but for those that keep what they learn elsewhere.

    Parameters
    ----------
    where
        Folder of states.
    """
    try:
        temporary = Path(tempfile.gettempdir())
    except OSError:  # no folder takes a file: there is none, or disks are full
        return
    for folder in temporary.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            told = folder.lstat()
            if told.st_uid != os.geteuid() or folder.is_symlink():
                continue
            handle = os.open(folder / _ABOUT, os.O_RDWR | os.O_NOFOLLOW)
            try:
                run = _read(folder / _ABOUT)
                kept = run.journal or run.state
                if kept is not None and kept.parent != where.absolute():
                    continue
                if (
                    _lock(handle) and (folder / _ABOUT).is_file()
                ):  # nobody else has taken it up meanwhile
                    yield Spool(folder, handle), run
            finally:
                os.close(handle)


def _read(file: Path) -> Run:
    told = parse_object(read_regular(file))
    mark = journal.Mark(*map(int, told["mark"]))
    kept = {key: None if told[key] is None else Path(told[key]) for key in ("state", "journal")}
    return Run(
        Path(told["log"]),
        mark,
        str(told["launch"]),
        kept["state"],
        Path(told["prior"]),
        int(told["age"]),
        kept["journal"],
    )


def settle(spool: Spool, run: Run, unsaved: recovery.Unsaved, *, again: bool = False) -> list[str]:
    """Add what a run has left to the state and to the journal; what cannot be kept stays.

    Parameters
    ----------
    unsaved
        That has watched the lines of the run.
    again
        Whether somebody may have begun with it, and was killed.

    Returns
    -------
    list of str
        What went wrong, each in a line.
    """
    wrong = []
    if run.state is not None and unsaved.of(run.state) and run.age == age(run.prior):
        try:
            unsaved.add_to(run.state, run.prior, run.log)
        except (OSError, MetasolveError) as error:
            why = getattr(error, "strerror", None) or error
            wrong.append(f"what this run learned last is not added to {run.state} ({why})")
    try:
        if run.journal is not None:
            site.keep(run.log, run.journal, again=again)
    except OSError as error:
        told = f"the journal {run.journal} cannot be written ({error.strerror}): "
        return [*wrong, f"{told}the lines of this run stay in {run.log}; the next run adds them"]
    spool.remove()
    return wrong


def age(prior: Path) -> int:
    """Return when a prior was made (Unix time in nanoseconds); 0: there is none."""
    try:
        return (prior / "prior.bin").stat().st_mtime_ns
    except OSError:
        return 0


def take_up(where: Path) -> None:
    """Settle all `abandoned` runs; what cannot be kept now waits for the next one."""
    for spool, run in abandoned(where):
        unsaved = recovery.Unsaved()
        for _ in unsaved.watching(run.lines):
            pass
        settle(spool, run, unsaved, again=True)
