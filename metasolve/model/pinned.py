"""Models of constant settings, for every system: what `metasolve pin` writes.

Imports neither numpy nor PETSc: the command is to start at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from metasolve.errors import UsageError
from metasolve.files.atomic import write_atomically
from metasolve.model.allowed import MOST, canonical

POLICY_VERSION = 6  #: of policy.txt; 5 is the same without constants
ANY_PETSC = "-"


def parsed(words: Iterable[str]) -> dict[str, str]:
    """Settings of words NAME=VALUE; NAME= and NAME alone switch a flag on.

    Raises
    ------
    UsageError
        If a model may not choose one of them, one is given twice, or there are none or too many.
    """
    settings: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        name = name.removeprefix("-")
        if name in settings:
            raise UsageError(f"{name}={value!r} is given twice; keep one")
        settings[name] = canonical(name, value)
    if not 0 < len(settings) <= MOST:
        raise UsageError(
            f"settings: {len(settings)} given; give 1 to {MOST} as NAME=VALUE, such as pc_type=sor"
        )
    return settings


def policy_lines(settings: Mapping[str, str], petsc: str | None) -> list[str]:
    """Lines of policy.txt but the last, its checksum."""
    return [
        f"metasolve-policy {POLICY_VERSION}",
        f"petsc {petsc or ANY_PETSC}",
        "kind constant",
        f"settings {len(settings)}",
        *(f"fixed {name} {value} when - 0" for name, value in settings.items()),
    ]


def sealed_text(lines: Iterable[str]) -> str:
    """The file of these lines, with its checksum as the last."""
    body = "\n".join(lines) + "\n"
    return body + f"sha256 {hashlib.sha256(body.encode()).hexdigest()}\n"


def pin(out: str | os.PathLike[str], settings: Mapping[str, str], petsc: str | None = None) -> Path:
    """Write a model directory that chooses the same settings for every system.

    Parameters
    ----------
    out
        Directory; made when it does not exist. A constant model in it is replaced.
    settings
        Option name, without dash and prefix, to text; what :func:`parsed` returns.
    petsc
        Version of the only PETSc it may be used with, such as ``3.18.5``; None for any.

    Raises
    ------
    UsageError
        If a model may not choose one of the settings, or `out` holds another model or cannot be
        written.
    """
    settings = {name: canonical(name, value) for name, value in settings.items()}
    if petsc is not None and not re.fullmatch(r"\d+\.\d+\.\d+(-complex)?", petsc, re.ASCII):
        raise UsageError(f"petsc={petsc!r} is no version; write it as 3.18.5, or leave it out")
    directory = Path(out)
    policy = sealed_text(policy_lines(settings, petsc)).encode()
    document = {
        "format": 5,
        "kind": "constant",
        "petsc": petsc,
        "settings": settings,
        "checksums": {"policy.txt": hashlib.sha256(policy).hexdigest()},
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _check_replaceable(directory)
        write_atomically(directory / "policy.txt", policy)
        text = json.dumps(document, indent=1) + "\n"
        write_atomically(directory / "model.json", text.encode())
    except OSError as error:
        raise UsageError(f"out={directory}: {error.strerror}; choose another directory") from error
    return directory


def _check_replaceable(directory: Path) -> None:
    old = directory / "policy.txt"
    if old.exists() and b"\nkind constant\n" not in old.read_bytes():
        raise UsageError(f"out={directory} holds a trained model; choose another directory")
