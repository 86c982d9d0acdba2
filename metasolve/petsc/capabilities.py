"""`Capabilities`: what the PETSc at hand can do."""

from __future__ import annotations

from dataclasses import dataclass

_PRECONDITIONERS = (
    *("hypre", "gamg", "ilu", "icc", "lu", "cholesky", "sor", "jacobi", "bjacobi", "asm"),
)
_PACKAGES = ("petsc", "mumps", "umfpack", "cholmod")


@dataclass(frozen=True)
class Capabilities:
    """Version and preconditioner types of a PETSc.

    Parameters
    ----------
    version
        Such as ``(3, 18, 5)``; options were renamed over time.
    preconditioners
        Names of PC types that can be made.
    packages
        Names of what can factorise an AIJ matrix.
    """

    version: tuple[int, int, int]
    preconditioners: frozenset[str]
    packages: frozenset[str] = frozenset()


def of_petsc4py() -> Capabilities:
    """Ask the PETSc of petsc4py, by making one preconditioner of each type."""
    from petsc4py import PETSc

    return Capabilities(
        tuple(PETSc.Sys.getVersion()[:3]),
        frozenset(name for name in _PRECONDITIONERS if _exists(name)),
        frozenset(name for name in _PACKAGES if _factorises(name)),
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


def _factorises(package: str) -> bool:
    from petsc4py import PETSc

    one = PETSc.Mat().createAIJ((1, 1), nnz=1, comm=PETSc.COMM_SELF)
    one.setValue(0, 0, 1.0)
    one.assemble()
    pc = PETSc.PC().create(PETSc.COMM_SELF)
    try:
        pc.setType("cholesky" if package == "cholmod" else "lu")
        pc.setOperators(one)
        pc.setFactorSolverType(package)
        pc.setFactorSetUpSolverType()
    except PETSc.Error:
        return False
    finally:
        pc.destroy()
        one.destroy()
    return True
