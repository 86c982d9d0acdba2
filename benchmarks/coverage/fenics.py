"""Entries of dolfinx and of legacy dolfin: demos as they come, and with finer meshes."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.coverage.entry import Entry, Pinned, Reading, Trained
from benchmarks.coverage.sources import copied

NORMS = r"^observed \w+: (\S+) (\S+)$"
ITERATES = 1e-5
"""Relative: what answers of iterative solvers may differ in, at their usual tolerances."""
DIRECT = 1e-9
_PETSC4PY = ("python3-petsc4py-real", "python3-mpi4py")


def dolfinx(
    demo: str,
    size: str,
    finer: Mapping[str, str] | None,
    variable: str,
    configuration: str,
    answer: tuple[Reading, ...] = (Reading(NORMS, DIRECT),),
    counts: tuple[Reading, ...] = (),
    model: Trained | Pinned = Trained(),
    limit: float = 120.0,
) -> Entry:
    """Return an entry of a demo of dolfinx."""
    script = f"demo_{demo}.py"
    return Entry(
        name=f"dolfinx-{demo}-{size}",
        program=f"dolfinx {script}",
        configuration=configuration,
        packages=("python3-dolfinx-real", "dolfinx-doc", "libdolfinx-dev", *_PETSC4PY),
        steps=(copied("dolfinx-doc", f"demo-python/{script}", finer),),
        command=("{python}", "{observed}", script, *variable.split()),
        answer=answer,
        counts=counts,
        model=model,
        limit=limit,
    )


_POISSON = "n=(32, 16)"
_STOKES = "[32, 32]"
_MINUTES = Trained(calls=60, most_systems=12)
ENTRIES = (
    dolfinx("poisson", "small", None, "uh", "its own mesh, 561 unknowns, LU"),
    dolfinx("poisson", "2d", {_POISSON: "n=(280, 140)"}, "uh", "39,621 unknowns, LU"),
    dolfinx("poisson", "2d-fine", {_POISSON: "n=(800, 400)"}, "uh", "321,201 unknowns, LU", model=_MINUTES),
    dolfinx("helmholtz", "own", None, "uh", "its own mesh, 16,641 unknowns, indefinite, LU"),
    dolfinx("helmholtz", "fine", {"n_elem = 128": "n_elem = 300"}, "uh", "90,601 unknowns, indefinite, LU"),
    dolfinx(
        "elasticity", "own", None, "uh", "its own mesh, 14,739 unknowns in Pa, CG + GAMG",
        (Reading(r"Solution vector norm: (\S+)", ITERATES),),
    ),
    dolfinx(
        "elasticity", "fine", {"[16, 16, 16]": "[28, 28, 28]"}, "uh",
        "73,167 unknowns in Pa, CG + GAMG", (Reading(r"Solution vector norm: (\S+)", ITERATES),),
    ),
    dolfinx(
        "cahn-hilliard", "own", None, "u", "its own mesh, 18,818 unknowns, 50 steps, MUMPS",
        (Reading(NORMS, 1e-6),), (Reading(r"num iterations: (\d+)"),), limit=240.0,
    ),
    dolfinx(
        "stokes", "own", None, "U", "its own mesh: MINRES with fieldsplit, LU, LU with superlu_dist",
        (Reading(r"Norm of \S+ coefficient vector[^:]*: (\S+)", 1e-4),),
    ),
    dolfinx("lagrange_variants", "own", None, "uh", "its own mesh, LU"),
    dolfinx(
        "tnt-elements", "own", None, "error", "Poisson on many small meshes, LU", (Reading(NORMS, 1e-6),),
    ),
)  # fmt: skip
