"""`accelerate`: a model for a KSP that a Python program already holds."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from metasolve.errors import ModelError
from metasolve.petsc.library import plugin

if TYPE_CHECKING:
    from petsc4py import PETSc

    from metasolve.model.model import Model


def accelerate(
    ksp: PETSc.KSP, model: str | os.PathLike[str] | Model, log: str | os.PathLike[str] | None = None
) -> Accelerated:
    """Let a model choose the settings of every further solve of `ksp`.

    The KSP stays what it is: its tolerances hold, its own configuration is the fallback, and its
    own preconditioner is set up only when that is needed.

    Collective: yes, on the communicator of ``ksp``.

    Parameters
    ----------
    ksp
        Outermost solver, its type set.
    model
        Model directory, or what `metasolve.load` made of one.
    log
        File to which one JSON line per solve is appended.

    Returns
    -------
    Accelerated
        To ask what happened, and to detach; keeping it is not required.

    Raises
    ------
    ModelError
        If the directory holds no model, or the model is in no directory.
    PluginError
        If the plug-in cannot be built or refuses the KSP.

    Examples
    --------
    >>> metasolve.accelerate(ksp, "models/beam")  # doctest: +SKIP
    >>> ksp.solve(b, x)                           # doctest: +SKIP
    """
    directory = _directory(model)
    if not (directory / "policy.txt").is_file():
        raise ModelError(
            f"{directory} holds no policy.txt: give a directory made by metasolve train"
        )
    plugin().attach(ksp, directory, None if log is None else os.fspath(log))
    return Accelerated(ksp)


def _directory(model: str | os.PathLike[str] | Model) -> Path:
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
