"""`Judge`: measures answers in this process as the plug-in does."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from metasolve.errors import PluginError
from metasolve.petsc.contract import Measure

if TYPE_CHECKING:
    from petsc4py import PETSc


class Judge:
    """Measures answers of A x = b as the plug-in does; A and b must outlive it unchanged.

    Parameters
    ----------
    library
        The plug-in.
    A, b
        Operator and right-hand side.
    measure
        In which one.

    Attributes
    ----------
    handle : what `Plugin.limit` takes.
    zero : the measure of x = 0, which tolerances are relative to.
    """

    def __init__(self, library: ctypes.CDLL, A: PETSc.Mat, b: PETSc.Vec, measure: Measure) -> None:
        self._library, self.handle = library, ctypes.c_void_p()
        place = list(Measure).index(measure)
        code = library.MetasolveJudge(A.handle, b.handle, place, ctypes.byref(self.handle))
        check(code, "MetasolveJudge")
        self.zero = self._measure(0)

    def measure(self, x: PETSc.Vec) -> float:
        """Return the measure of an answer. Collective: yes, on the communicator of A."""
        return self._measure(x.handle)

    def destroy(self) -> None:
        """Free it. Collective: yes, on the communicator of A."""
        check(
            self._library.MetasolveJudgeDestroy(ctypes.byref(self.handle)), "MetasolveJudgeDestroy"
        )

    def _measure(self, x: int) -> float:
        value = ctypes.c_double()
        code = self._library.MetasolveJudgement(self.handle, x, ctypes.byref(value))
        check(code, "MetasolveJudgement")
        return value.value


def check(code: int, name: str) -> None:
    """Raise a `PluginError` where a function of the plug-in returned an error code of PETSc's."""
    if code:
        raise PluginError(f"{name} failed with PETSc error code {code}{_told(name)}")


def _told(name: str) -> str:
    """What PETSc was told of an error in this function: petsc4py keeps its last one."""
    from petsc4py import PETSc

    where, *said = [str(line) for line in getattr(PETSc.Error, "_traceback_", ())] or [""]
    ours = any(line.startswith(f"{name}()") for line in (where, *said))
    return f": {said[1]}" if ours and len(said) > 1 and "() at " not in said[1] else ""
