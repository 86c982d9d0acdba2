"""`Models`: model directories that are read once and attached to many KSPs, as in one program."""

from __future__ import annotations

import os

from petsc4py import PETSc

from metasolve.petsc.library import plugin


class Models:
    """Attaches models to KSPs on `comm`; a model read again would leave the caches to its file."""

    def __init__(self, comm: PETSc.Comm) -> None:
        self._comm = comm
        self._holders: dict[str, PETSc.KSP] = {}

    def attach(self, ksp: PETSc.KSP, model: str | os.PathLike[str]) -> None:
        """Let a model choose the settings of `ksp`. Collective: yes, on comm."""
        name = os.fspath(model)
        if name not in self._holders:
            holder = PETSc.KSP().create(self._comm)
            holder.setType(PETSc.KSP.Type.GMRES)
            plugin().attach(holder, model, trial=True)
            self._holders[name] = holder
        plugin().share(ksp, self._holders[name])

    def destroy(self) -> None:
        """Forget all models. Collective: yes, on comm."""
        for holder in self._holders.values():
            holder.destroy()
        self._holders.clear()
