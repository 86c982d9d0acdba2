"""Where plug-ins are kept, and what PETSc is told to load of one."""

from __future__ import annotations

import os
from pathlib import Path

from metasolve.errors import PluginError

LOADER = "libmetasolve.so"
REMEDY = "set XDG_CACHE_HOME to a folder you own, with room in it"


def cache() -> Path:
    """Return the folder of all plug-ins."""
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(home).absolute() / "metasolve"
    except (RuntimeError, OSError) as error:
        raise PluginError(f"no folder for the plug-in ({error}): {REMEDY}") from error


def loader(place: Path) -> Path:
    """Return the loader in a folder of the cache.

    Raises
    ------
    PluginError
        If it cannot be loaded from there.
    """
    import ctypes

    library = place / LOADER
    try:
        ctypes.CDLL(str(library))  # needs nothing, so that it loads here if it loads anywhere
    except OSError as error:
        raise PluginError(
            f"{library} cannot be loaded ({error}): set XDG_CACHE_HOME to a folder from which "
            "libraries may be loaded"
        ) from error
    return library
