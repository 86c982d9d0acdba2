"""Whether a program will be able to write where it is told to: asked before it starts."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

from metasolve.files.unwritable import unwritable


def check_log(path: Path) -> None:
    """Raise `UsageError` unless lines can be appended to the file `path`; it is not made."""
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            _check_special(path)
            return
        existed = path.exists()
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666))
        if not existed:
            path.unlink()
    except (OSError, ValueError) as error:
        raise unwritable("--log", path, error) from error


def check_recording(directory: Path) -> None:
    """Make the folders of a recording; raise `UsageError` unless they can be written."""
    try:
        for folder in (directory, directory / "operators", directory / "vectors"):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        for file in directory.glob("manifest.jsonl"):
            os.close(os.open(file, os.O_WRONLY | os.O_APPEND))
    except (OSError, ValueError) as error:
        raise unwritable("the recording", directory, error) from error


def _check_special(path: Path) -> None:
    """A folder cannot be a log; a terminal or pipe can, and must not be opened to see."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "permission denied")
