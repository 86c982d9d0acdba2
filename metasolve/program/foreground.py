"""A program in the foreground: the user's terminal, directory and signals are its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import dataclass

from metasolve.petsc.launch import (
    FORWARDED,
    NOT_EXECUTABLE,
    NOT_FOUND,
    forwarded_to,
    print_error,
    started,
)
from metasolve.program.start import Start

_GRACE = 5.0  # seconds between asking to stop and killing


@dataclass(frozen=True)
class Ended:
    """How a program in the foreground ended.

    Attributes
    ----------
    exit_code : as a shell gives it.
    expired : whether it was stopped because time ran out.
    stdout : what it wrote, if it was copied.
    """

    exit_code: int
    expired: bool = False
    stdout: str = ""

    @property
    def stopped_by_user(self) -> bool:
        """Whether a signal ended it that users send."""
        return not self.expired and self.exit_code - 128 in FORWARDED


def foreground(start: Start, copied: bool, limit: float | None) -> Ended:
    """Run to the end; standard output goes where ours goes, and, if `copied`, is kept as well.

    Parameters
    ----------
    limit : seconds after which it is stopped; None for no limit.
    """
    out = subprocess.PIPE if copied else None
    environment = {**os.environ, **start.environment}
    try:
        child = started(start.words, env=environment, stdout=out)
    except FileNotFoundError:
        print_error(f"{start.words[0]}: command not found")
        return Ended(NOT_FOUND)
    except OSError as error:
        print_error(f"{start.words[0]}: {error.strerror}")
        return Ended(NOT_EXECUTABLE)
    kept = bytearray()
    copier = threading.Thread(target=_copy, args=(child, kept), daemon=True)
    copier.start()
    with forwarded_to(child):
        code, expired = _wait(child, limit)
    copier.join()
    return Ended(128 - code if code < 0 else code, expired, kept.decode(errors="replace"))


def _wait(child: subprocess.Popen[bytes], limit: float | None) -> tuple[int, bool]:
    try:
        return child.wait(limit), False
    except subprocess.TimeoutExpired:
        child.terminate()
    try:
        return child.wait(_GRACE), True
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait(), True


def _copy(child: subprocess.Popen[bytes], kept: bytearray) -> None:
    """Pass everything on as soon as it comes; nothing where it is not copied."""
    while child.stdout is not None and (data := os.read(child.stdout.fileno(), 65536)):
        kept.extend(data)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
