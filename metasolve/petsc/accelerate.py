"""`accelerate`, `on`, `off`: in a Python program that runs already, for one KSP or for all."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from metasolve.errors import ModelError, UsageError
from metasolve.files.shipped import shipped
from metasolve.petsc import launch
from metasolve.petsc.library import plugin

if TYPE_CHECKING:
    from petsc4py import PETSc

    from metasolve.model.model import Model


def accelerate(
    ksp: PETSc.KSP,
    model: str | os.PathLike[str] | Model | None = None,
    log: str | os.PathLike[str] | None = None,
) -> Accelerated:
    """Let a model, or the prior, choose the settings of every further solve of `ksp`.

    The KSP stays what it is: its tolerances hold, its own configuration is the fallback, and its
    own preconditioner is set up only when that is needed.

    Collective: yes, on the communicator of ``ksp``.

    Parameters
    ----------
    ksp
        Outermost solver, its type set.
    model
        Model directory, or what `metasolve.load` made of one; None for the prior that comes with
        metasolve.
    log
        File to which one JSON line per solve is appended.

    Returns
    -------
    Accelerated
        To ask what happened, and to detach; keeping it is not required.

    Raises
    ------
    UsageError
        If it is no KSP of petsc4py, or has no type yet.
    ModelError
        If the directory holds no model, or the model is in no directory.
    PluginError
        If the plug-in cannot be built or refuses the KSP.

    Examples
    --------
    >>> metasolve.accelerate(ksp)  # doctest: +SKIP
    >>> ksp.solve(b, x)            # doctest: +SKIP
    """
    _check(ksp)
    directory = _directory(model)
    launch.check_model(directory)
    plugin().attach(ksp, directory, None if log is None else os.fspath(log))
    return Accelerated(ksp)


def on(
    model: str | os.PathLike[str] | Model | None = None,
    log: str | os.PathLike[str] | None = None,
) -> None:
    """Accelerate every outermost KSP of this process, as ``metasolve run`` does for a program.

    Those that Python holds are included if their type is set; all others from when it is.

    Collective: yes, on COMM_WORLD.

    Parameters
    ----------
    model
        Model directory, or what `metasolve.load` made of one; None for the prior that comes with
        metasolve.
    log
        File to which one JSON line per solve is appended.

    Raises
    ------
    ModelError
        If the directory holds no model, or the model is in no directory.
    PluginError
        If the plug-in cannot be built, or is on already.

    Examples
    --------
    >>> metasolve.on()   # doctest: +SKIP
    >>> ksp.solve(b, x)  # doctest: +SKIP
    >>> metasolve.off()  # doctest: +SKIP
    """
    directory = _directory(model)
    launch.check_model(directory)
    plugin().begin(directory, None if log is None else os.fspath(log))
    for ksp in held():
        plugin().adopt(ksp)


def off() -> None:
    """Give all KSPs of this process back to their own settings. Collective: yes, on COMM_WORLD."""
    for ksp in held():
        plugin().detach(ksp)
    plugin().end()


def held() -> list[PETSc.KSP]:
    """Return the KSPs that Python holds, of which a type is set."""
    from petsc4py import PETSc

    # The type itself is asked: isinstance looks at __class__, which objects of others may compute.
    found = (each for each in gc.get_objects() if issubclass(type(each), PETSc.KSP))
    different = {each.handle: each for each in found if each.handle and each.getType()}
    return list(different.values())


def _check(ksp: object) -> None:
    from petsc4py import PETSc

    if not isinstance(ksp, PETSc.KSP):
        raise UsageError(
            f"metasolve.accelerate wants a KSP of petsc4py, and this is of type "
            f"{type(ksp).__name__}: give it what solves, such as snes.getKSP()"
        )
    if not launch.is_off() and not (ksp.handle and ksp.getType()):
        raise UsageError(
            "this KSP has no type yet: call ksp.setFromOptions() or ksp.setType() before "
            "metasolve.accelerate(ksp)"
        )


def _directory(model: str | os.PathLike[str] | Model | None) -> Path:
    if model is None:
        return shipped()
    if isinstance(model, (str, os.PathLike)):
        return Path(model)
    if model.directory is None:
        raise ModelError("this model is in no directory: save it there, and load it")
    return model.directory


class Accelerated:
    """A KSP that a model chooses settings for; leaving its ``with`` block detaches the model."""

    def __init__(self, ksp: PETSc.KSP) -> None:
        self.ksp = ksp

    @property
    def last(self) -> dict[str, Any]:
        """What happened in the last solve: a line of the run log, empty before the first."""
        return plugin().last_record(self.ksp)

    def detach(self) -> None:
        """Give the KSP back to its own settings. Collective: yes, on its communicator."""
        plugin().detach(self.ksp)

    def __enter__(self) -> Accelerated:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.detach()
