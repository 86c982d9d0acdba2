"""A place that somebody named, and that cannot be written: one complaint, with the remedy."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from metasolve.errors import UsageError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LITTLE = 4096  # bytes
_REMEDIES = {
    errno.ENOSPC: "make room there, or name a place with room",
    errno.EDQUOT: "make room there, or name a place with room",
    errno.ENOENT: "make its folder, or name another place",
    errno.ENOTDIR: "a part of the name is no folder; name another place",
    errno.EEXIST: "there is a file of this name; name another place",
    errno.EISDIR: "name a file in it",
}


def unwritable(named: str, path: str | os.PathLike[str], error: OSError | ValueError) -> UsageError:
    """Return the complaint.

    Parameters
    ----------
    named
        By what it was named, such as ``--log``.
    """
    why = getattr(error, "strerror", None) or str(error)
    told = f"{named} {one_line(path)} cannot be written ({why})"
    return UsageError(f"{told}: {remedy(error)}")


def remedy(error: OSError | ValueError) -> str:
    """Return what to do about a file that cannot be made."""
    return _REMEDIES.get(getattr(error, "errno", None) or 0, "name a place that you can write")


def full(folder: Path) -> str:
    """Return why nothing more fits into a folder; empty: something does, or nobody can say."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_LITTLE))
    except OSError as error:
        return os.strerror(error.errno) if error.errno in _FULL else ""
    return ""


def one_line(path: str | os.PathLike[str]) -> str:
    """Return a name for a message: as it is, or quoted where it would break the line."""
    text = os.fspath(path)
    return text if text.isprintable() else repr(text)
