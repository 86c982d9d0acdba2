"""`Options`: entries of PETSc's database that exist for one solve and leave no trace."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from types import TracebackType

from petsc4py import PETSc

from metasolve.errors import UsageError
from metasolve.model import allowed
from metasolve.petsc.native import option_used

_numbers = itertools.count()
_NORM = ("ksp_norm_type", "ksp_pc_side")


def free_norm(entries: Mapping[str, str]) -> dict[str, str]:
    """The options of a program's solver without those that say in which norm it stops."""
    return {name: value for name, value in entries.items() if name not in _NORM}


class Options:
    """Options under a prefix of their own, inserted on entry and removed on exit.

    Nothing else in the database is read or changed: the prefix is unique in this process.

    Parameters
    ----------
    entries
        Option name, without dash and prefix, to text.

    Raises
    ------
    UsageError
        If one of them could write a file, run code or end the process.
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        for name, value in entries.items():
            if allowed.is_harmful(name, value):
                raise UsageError(f"{name}={value!r} does more than configure a solver; leave it")
        self.prefix = f"metasolve_replay{next(_numbers)}_"
        self._names = [self.prefix + name for name in entries]
        self._texts = list(entries.values())
        self._database = PETSc.Options()

    def __enter__(self) -> Options:
        for name, text in zip(self._names, self._texts, strict=True):
            self._database.setValue(name, text)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in self._names:
            self._database.delValue(name)

    def unused(self) -> list[str]:
        """Return the options, without prefix, that PETSc has not asked for on this rank.

        Ask after the solve: those of multigrid levels and blocks are read late.
        """
        unused = (name for name in self._names if not option_used(name))
        return [name.removeprefix(self.prefix) for name in unused]


def text(value: float | str | bool) -> str:
    """Write a value as PETSc reads it: flags as 1 and 0, reals with six digits."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
