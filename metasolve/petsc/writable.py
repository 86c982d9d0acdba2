"""Whether a program will be able to write where it is told to: asked before it starts."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from metasolve.errors import RecordingError, UsageError


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
        raise UsageError(
            f"log={one_line(path)} cannot be written ({_reason(error)}): {_remedy(path, error)}"
        ) from error


def check_recording(directory: Path) -> None:
    """Make the folders of a recording; raise `RecordingError` unless they can be written."""
    try:
        for folder in (directory, directory / "operators", directory / "vectors"):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        for file in directory.glob("manifest.jsonl"):
            os.close(os.open(file, os.O_WRONLY | os.O_APPEND))
    except (OSError, ValueError) as error:
        raise RecordingError(
            f"cannot write {one_line(directory)}: {_reason(error)}; choose another"
        ) from error


def one_line(path: str | os.PathLike[str]) -> str:
    """Return a name for a message: as it is, or quoted where it would break the line."""
    text = os.fspath(path)
    return text if text.isprintable() else repr(text)


def _check_special(path: Path) -> None:
    """A folder cannot be a log; a terminal or pipe can, and must not be opened to see."""
    if path.is_dir():
        raise IsADirectoryError(0, "it is a folder")
    if not os.access(path, os.W_OK):
        raise PermissionError(0, "permission denied")


def _remedy(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, IsADirectoryError):
        return f"give a file in it, such as {one_line(path / 'run.jsonl')}"
    if isinstance(error, FileNotFoundError):
        return "make its folder, or choose another"
    if isinstance(error, PermissionError):
        return "choose a file that you can write"
    return "choose another"


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
