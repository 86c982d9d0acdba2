"""What metasolve needs of this machine, what was found, and how to get the rest."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from metasolve.errors import PluginError
from metasolve.petsc import installation, launch, library

_PACKAGES = ("numpy", "torch", "safetensors", "pydantic", "optuna", "matplotlib", "scipy")
_TOOLS = {
    "mpicc": "apt-get install libopenmpi-dev gcc (builds the plug-in)",
    "mpiexec": "apt-get install openmpi-bin (needed for parallel programs and training)",
    "pkg-config": "apt-get install pkg-config, or set PETSC_DIR and PETSC_ARCH",
}
_OPTIONAL_TOOLS = {"mpifort": "apt-get install gfortran (only to build Fortran examples)"}
_IMPORT_SECONDS = 60


@dataclass(frozen=True)
class Finding:
    """One thing looked for.

    Parameters
    ----------
    name
        What was looked for.
    state
        ``ok``, ``missing`` (something will not work) or ``note`` (all works without).
    found
        Version, place, or what went wrong.
    remedy
        How to get it.
    """

    name: str
    state: str
    found: str
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


def diagnose() -> list[Finding]:
    """Look at everything: tools, PETSc, the plug-in, petsc4py, Python packages."""
    return [
        Finding("python", "ok", f"{sys.version.split()[0]} {sys.executable}"),
        *(_tool(name, remedy, "missing") for name, remedy in _TOOLS.items()),
        *(_tool(name, remedy, "note") for name, remedy in _OPTIONAL_TOOLS.items()),
        _attempt("PETSc", _petsc, installation.INSTALL_PETSC),
        _attempt("plug-in", lambda: str(library.build(tell=launch.print_error)), "see the message"),
        _bindings("petsc4py", "apt-get install python3-petsc4py", _ASK_PETSC4PY),
        _bindings("mpi4py", "apt-get install python3-mpi4py, or pip install mpi4py", _ASK_MPI4PY),
        _agreement(),
        *(_package(name) for name in _PACKAGES),
    ]


_ASK_PETSC4PY = "from petsc4py import PETSc; print(*PETSc.Sys.getVersion(), sep='.')"
_ASK_MPI4PY = (
    "import mpi4py; from mpi4py import MPI; print(MPI.Get_library_version().split(',')[0])"
)


def _tool(name: str, remedy: str, otherwise: str) -> Finding:
    place = shutil.which(name)
    if place is None:
        return Finding(name, otherwise, "not in PATH", remedy)
    return Finding(name, "ok", place)


def _attempt(name: str, look: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(name, "ok", look())
    except PluginError as error:
        return Finding(name, "missing", str(error), remedy)


def _petsc() -> str:
    found = installation.find()
    found.check()
    return f"{found.version} by {found.found_by} ({' '.join(found.cflags)})"


def _bindings(name: str, remedy: str, ask: str) -> Finding:
    """Import in a process of its own: a broken MPI may abort it."""
    if importlib.util.find_spec(name) is None:
        return Finding(name, "missing", "not installed", remedy)
    try:
        done = subprocess.run(
            [sys.executable, "-c", ask],
            capture_output=True,
            text=True,
            timeout=_IMPORT_SECONDS,
            check=False,
            env={key: value for key, value in os.environ.items() if key != "PETSC_OPTIONS"},
        )
    except subprocess.TimeoutExpired:
        return Finding(name, "missing", f"its import takes over {_IMPORT_SECONDS} s", remedy)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return Finding(name, "missing", f"does not import: {said[-1]}", remedy)
    return Finding(name, "ok", done.stdout.strip())


def _agreement() -> Finding:
    """Training replays in petsc4py what the program solved: the two PETSc should be one."""
    name = "same PETSc"
    try:
        program, bindings = installation.find(), installation.of_petsc4py()
    except PluginError as error:
        return Finding(name, "note", f"cannot compare: {error}")
    if program.version == bindings.version:
        return Finding(name, "ok", f"programs and petsc4py: {program.version}")
    return Finding(
        name,
        "note",
        f"programs {program.version}, petsc4py {bindings.version}: a model holds for one version",
        "set METASOLVE_PETSC_DIR to the PETSc of your program, and train with its petsc4py",
    )


def _package(name: str) -> Finding:
    try:
        return Finding(name, "ok", metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, "missing", "not installed", f"pip install {name}")
