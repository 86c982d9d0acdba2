"""Permissive models: constant settings for every system, made by ``metasolve pin``."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

METASOLVE = str(Path(sys.executable).parent / "metasolve")
PINS = {
    "gmres-lu": "ksp_type=gmres pc_type=lu",
    "gmres-hypre": "ksp_type=gmres ksp_gmres_restart=60 pc_type=hypre",
    "gmres-gamg": "ksp_type=gmres pc_type=gamg",
    "gmres-gamg-sor": "ksp_type=gmres pc_type=gamg mg_levels_pc_type=sor "
    "mg_levels_ksp_type=richardson",
    "bcgs-bjacobi": "ksp_type=bcgs pc_type=bjacobi sub_pc_type=ilu",
    "gmres-asm": "ksp_type=gmres ksp_gmres_restart=100 pc_type=asm sub_pc_type=ilu "
    "sub_pc_factor_levels=1",
    "gmres-mumps": "ksp_type=gmres pc_type=lu pc_factor_mat_solver_type=mumps",
    "gmres-sor": "ksp_type=gmres ksp_gmres_restart=200 pc_type=sor",
    "cg-none": "ksp_type=cg pc_type=none",
}
#: How often each is drawn: strong ones act, weak ones are undone.
DRAWN = {
    "gmres-mumps": 5,
    "gmres-hypre": 3,
    "gmres-gamg": 2,
    "bcgs-bjacobi": 2,
    "gmres-asm": 2,
    "gmres-sor": 1,
    "gmres-lu": 1,
    "cg-none": 1,
}


def pin(name: str, folder: Path) -> Path:
    """Return the model of that name in a folder, made when first asked for."""
    model = folder / name
    if (model / "policy.txt").exists():
        return model
    words = [METASOLVE, "pin", "-o", str(model), *PINS[name].split()]
    done = subprocess.run(words, env=dict(os.environ), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words[1:])}: {done.stderr.strip()}")
    return model


def options(name: str) -> str:
    """Return the settings of a pin as PETSc's options, in the norm that a contract asks for."""
    # Factorisations are PETSc's own unless the pin says otherwise, whatever the program chose.
    own = dict.fromkeys(("pc_factor_mat_solver_type", "sub_pc_factor_mat_solver_type"), "petsc")
    settings = own | dict(setting.split("=") for setting in PINS[name].split())
    settings["ksp_norm_type"] = "unpreconditioned"
    return " ".join(f"-{key} {value}" for key, value in settings.items())


def drawn(case: str) -> str:
    """Return the name of the pin for a case: by its name, so always the same."""
    every = [name for name, times in DRAWN.items() for _ in range(times)]
    digest = hashlib.sha256(case.encode()).digest()
    return every[int.from_bytes(digest[:8], "big") % len(every)]
