"""``metasolve pin``: a model of constant settings."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from metasolve.cli.front import Parser

HELP = """Make a model that chooses the same settings for every system, without training.

For example: metasolve pin -o models/x ksp_type=gmres pc_type=hypre

Only settings of solvers can be pinned: nothing that writes, reads files or ends a program.
NAME= and NAME alone switch a flag on, NAME=0 switches it off."""


def parser() -> Parser:
    """Return the parser of this command."""
    made = Parser("pin", HELP)
    made.usage = "metasolve pin -o DIR [options] NAME=VALUE..."
    made.add_argument(
        "settings",
        nargs="+",
        metavar="NAME=VALUE",
        help="PETSc options of a solver, without dash and prefix; a flag alone is on",
    )
    made.add_argument(
        "-o", "--out", type=Path, required=True, metavar="DIR", help="model directory"
    )
    made.add_argument(
        "--petsc",
        metavar="VERSION",
        help="only for this version of PETSc, such as 3.18.5; default: any",
    )
    made.add_seed()
    return made


def main(words: Sequence[str]) -> int:
    """Make the model."""
    asked = parser().read(words)
    from metasolve.model.pinned import parsed, pin

    chosen = parsed(asked.settings)
    directory = pin(asked.out, chosen, asked.petsc)
    told = " ".join(f"-{name} {value}" for name, value in chosen.items())
    sys.stdout.write(f"model: {directory}: {told}\n")
    return 0
