"""`recording`: keep the systems that a Python program solves, without a command line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from metasolve.petsc.accelerate import held
from metasolve.petsc.conduct import Watch
from metasolve.petsc.library import plugin
from metasolve.petsc.writable import check_recording


@contextlib.contextmanager
def recording(
    out: str | os.PathLike[str],
    *,
    every: int | None = None,
    max_systems: int | None = None,
    max_bytes: int | None = None,
) -> Iterator[Path]:
    """Record every system that outermost KSPs of this process solve inside a ``with`` block.

    Those that Python holds are included if their type is set; all others from when it is.

    Collective: yes, on COMM_WORLD.

    Parameters
    ----------
    out
        Recording directory; made, or added to.
    every
        Record one solve out of so many.
    max_systems, max_bytes
        Stop recording after so much, of this block.

    Yields
    ------
    Path
        The directory.

    Raises
    ------
    UsageError
        If `out` cannot be written, or a limit is below 1.
    PluginError
        If the plug-in cannot be built, or is on already.

    Examples
    --------
    >>> with metasolve.recording(out="runs/beam"):     # doctest: +SKIP
    ...     ksp.solve(b, x)
    >>> metasolve.train("runs/beam", "models/beam")    # doctest: +SKIP
    """
    limits = Watch(None, every, max_systems, max_bytes).environment()
    directory = Path(out).absolute()
    check_recording(directory)
    with _set(limits):
        plugin().begin_recording(directory)
    for ksp in held():
        plugin().adopt(ksp)
    try:
        yield directory
    finally:
        for ksp in held():
            plugin().detach(ksp)
        plugin().end()


@contextlib.contextmanager
def _set(variables: Mapping[str, str]) -> Iterator[None]:
    """The plug-in reads them when it begins."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
