"""`Capabilities`: what the PETSc at hand can do."""

from __future__ import annotations

from dataclasses import dataclass

_PRECONDITIONERS = ("hypre", "gamg", "ilu", "icc", "lu", "sor", "jacobi", "bjacobi", "asm")


@dataclass(frozen=True)
class Capabilities:
    """Version and preconditioner types of a PETSc.

    Parameters
    ----------
    version
        Such as ``(3, 18, 5)``; options were renamed over time.
    preconditioners
        Names of PC types that can be made.
    """

    version: tuple[int, int, int]
    preconditioners: frozenset[str]


def of_petsc4py() -> Capabilities:
    """Ask the PETSc of petsc4py, by making one preconditioner of each type."""
    from petsc4py import PETSc

    return Capabilities(
        tuple(PETSc.Sys.getVersion()[:3]),
        frozenset(name for name in _PRECONDITIONERS if _exists(name)),
    )


def _exists(name: str) -> bool:
    from petsc4py import PETSc

    pc = PETSc.PC().create(PETSc.COMM_SELF)
    try:
        pc.setType(name)
    except PETSc.Error:
        return False
    finally:
        pc.destroy()
    return True
