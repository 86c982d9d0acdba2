"""Learned settings for unmodified solvers.

>>> import metasolve
>>> metasolve.record(["./app", "-its", "-flags"], out="runs/app")  # doctest: +SKIP
>>> metasolve.train("runs/app", out="models/app")                  # doctest: +SKIP
>>> metasolve.accelerate(ksp, "models/app")                        # doctest: +SKIP

Importing this package imports neither PETSc, MPI nor torch; using one of the names below does, as
far as it needs them.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metasolve.model.directory import load
    from metasolve.petsc.accelerate import accelerate, off, on
    from metasolve.petsc.observing import recording
    from metasolve.petsc.recording import record
    from metasolve.recorded.evaluation import evaluate
    from metasolve.recorded.training import train
    from metasolve.report.shown import report

    __version__: str

__all__ = ["__version__", "accelerate", "evaluate", "load", "off", "on", "record", "recording"]
__all__ += ["report", "train"]

_HOMES = {
    "accelerate": "metasolve.petsc.accelerate",
    "evaluate": "metasolve.recorded.evaluation",
    "load": "metasolve.model.directory",
    "off": "metasolve.petsc.accelerate",
    "on": "metasolve.petsc.accelerate",
    "record": "metasolve.petsc.recording",
    "recording": "metasolve.petsc.observing",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name == "__version__":
        from importlib.metadata import version

        return version("metasolve")
    if name in ("report", "train"):
        # The package itself can be called: it and the function share one name.
        return _import_module(f"metasolve.{name}")
    if name in _HOMES:
        return getattr(_import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'metasolve' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
