"""Solve instances of a generated family one after the other, as an application would.

    python -m metasolve.family problems/lognormal_diffusion/case.toml --count 48 --seed 1

PETSc's options may follow; the case's own [options] come first, so any option given here wins.
Under mpiexec every rank assembles the whole system and keeps its rows. One line is printed for
each instance.
"""

from __future__ import annotations

import argparse
import sys
from types import ModuleType
from typing import Any

import petsc4py

from metasolve.family import Family
from metasolve.petsc.generated_solve import GeneratedSolve


def solve(PETSc: ModuleType, made: GeneratedSolve) -> tuple[int, int, float]:
    """Solve one system as the options say and return reason, iterations and relative residual."""
    A, b = made.assemble()
    x, right = PETSc.Vec().createMPI(len(b)), PETSc.Vec().createMPI(len(b))
    first, last = x.getOwnershipRange()
    mine, rows = A[first:last], last - first
    csr = (mine.indptr, mine.indices, mine.data)
    matrix = PETSc.Mat().createAIJ(((rows, len(b)), (rows, len(b))), csr=csr)
    right.setArray(b[first:last])
    ksp = PETSc.KSP().create()
    ksp.setOperators(matrix)
    ksp.setTolerances(made.rtol, made.abstol, made.divtol, made.max_it)
    ksp.setFromOptions()
    ksp.solve(right, x)
    found = int(ksp.getConvergedReason()), ksp.getIterationNumber()
    scale = right.norm()
    matrix.multAdd(-x, right, right)
    residual = right.norm() / scale
    for each in (ksp, x, right, matrix):
        each.destroy()
    return *found, residual


def _shown(argument: tuple[str, Any]) -> str:
    name, value = argument
    return f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"


def main() -> None:
    """Draw and solve what the command line asks for."""
    parser = argparse.ArgumentParser(
        "python -m metasolve.family", description=__doc__.splitlines()[0]
    )
    parser.add_argument("case", help="case.toml of a family")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=24, help="number of instances")
    parser.add_argument("--size", default="default", help="one of the case's sizes")
    parser.add_argument("--rtol", type=float, help="default: the first of the case's tolerances")
    arguments, options = parser.parse_known_args()
    family = Family.from_toml(arguments.case)
    own = [word for name, text in family.options.items() for word in (f"-{name}", text) if word]
    petsc4py.init([sys.argv[0], *own, *options])
    from petsc4py import PETSc

    drawn = family.instances(arguments.count, arguments.seed, arguments.rtol, arguments.size)
    for number, instance in enumerate(drawn):
        reason, iterations, residual = solve(PETSc, instance.payload)
        made = " ".join(map(_shown, instance.payload.arguments.items()))
        PETSc.Sys.Print(
            f"{number} {made} reason {reason} iterations {iterations} residual {residual:.1e}"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
