"""Entries of PETSc's own tutorials: Newton's method without a matrix, and matrices in blocks."""

from __future__ import annotations

from benchmarks.coverage.entry import Entry, Reading, Trained
from benchmarks.coverage.sources import compiled, copied

_PACKAGE = "libpetsc3.18-dev-examples"
_NEWTON = Reading(r"Number of SNES iterations = (\d+)")
_CAVITY = Reading(r"^ +\d+ SNES Function norm (\S+)", 1e-4)
_ICE = Reading(r"^\|X\|_2 (\S+)", 1e-4)


def tutorial(
    example: int, kind: str, options: str, configuration: str, answer: Reading, limit: float = 240
) -> Entry:
    """Return an entry of a tutorial of SNES."""
    program = f"ex{example}"
    return Entry(
        name=f"petsc-{program}-{kind}",
        program=f"PETSc snes {program}",
        configuration=configuration,
        packages=("libpetsc-real-dev", _PACKAGE),
        steps=(
            copied(_PACKAGE, f"snes/tutorials/{program}.c"),
            compiled(f"{program}.c", program, ["PETSc"]),
        ),
        command=(f"./{program}", *options.split()),
        answer=(answer,),
        counts=(_NEWTON,),
        model=Trained(calls=60, most_systems=8),
        limit=limit,
    )


ENTRIES = (
    tutorial(19, "free", "-da_refine 5 -snes_mf_operator -snes_monitor",
             "driven cavity, 37,636 unknowns, Newton-Krylov without a matrix, P assembled",
             _CAVITY),
    tutorial(19, "baij", "-da_refine 5 -dm_mat_type baij -snes_monitor",
             "driven cavity, 37,636 unknowns, BAIJ of blocks of 4", _CAVITY),
    tutorial(48, "free", "-M 24 -P 10 -thi_mat_type aij -snes_mf_operator",
             "ice sheet, finite elements in 3D, 11,520 unknowns, Newton-Krylov without a matrix",
             _ICE),
    tutorial(48, "sbaij", "-M 24 -P 10 -thi_mat_type sbaij",
             "ice sheet, finite elements in 3D, 11,520 unknowns, SBAIJ of blocks of 2", _ICE),
)  # fmt: skip
