"""The site's state: where what was learned of a program is kept from one run to the next."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from metasolve.errors import UsageError

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


def known(name: str) -> Path:
    """Return the file of a state that is there: of a program in `folder`, or the file itself.

    Raises
    ------
    UsageError
        If there is none.
    """
    here = Path(name) if name.endswith(".state") else folder() / f"{name}.state"
    if not here.is_file():
        others = " ".join(sorted(path.stem for path in here.parent.glob("*.state")))
        raise UsageError(
            f"nothing is known of {name}: no file {here}; "
            + (f"there are {others}" if others else "metasolve run makes it")
        )
    return here


def file_of(command: Sequence[str], where: Path | None = None) -> Path:
    """Return the file of a program's state, its folder made.

    Parameters
    ----------
    command
        That starts the program.
    where
        Folder; None for `folder`.

    Raises
    ------
    UsageError
        If the folder cannot be made.
    """
    where = folder() if where is None else where
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"no folder {where} for what is learned ({error.strerror}): give a --state, or "
            "--state none"
        ) from error
    return where / f"{program(command)}.state"
