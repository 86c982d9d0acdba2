"""Agreement of the ranks that solve one system together."""

from __future__ import annotations

from typing import Any

from petsc4py import PETSc


def petsc_comm(comm: Any) -> PETSc.Comm:
    """Return `comm`, PETSc's or mpi4py's, as PETSc's; None means this rank alone."""
    if comm is None:
        return PETSc.COMM_SELF
    return comm if isinstance(comm, PETSc.Comm) else PETSc.Comm(comm)


def largest(comm: PETSc.Comm, value: float) -> float:
    """Return the largest of all ranks' values. Collective: yes, on comm."""
    if comm.size == 1:
        return value
    values: list[float] = comm.tompi4py().allgather(value)
    return max(values)


def total(comm: PETSc.Comm, value: float) -> float:
    """Return the sum of all ranks' values. Collective: yes, on comm."""
    if comm.size == 1:
        return value
    values: list[float] = comm.tompi4py().allgather(value)
    return sum(values)


def common(comm: PETSc.Comm, names: list[str]) -> list[str]:
    """Return the names that every rank has. Collective: yes, on comm."""
    if comm.size == 1:
        return names
    everyone = comm.tompi4py().allgather(names)
    return [name for name in names if all(name in others for others in everyone)]


def from_first(comm: PETSc.Comm, thing: Any) -> Any:
    """Return what the first rank has. Collective: yes, on comm."""
    return thing if comm.size == 1 else comm.tompi4py().bcast(thing)
