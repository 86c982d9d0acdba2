"""Compiles PETSc's tests, each once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from petsc_cases import Case, Examples

FORTRAN = (".F90", ".F", ".f90")


def executable(case: Case, examples: Examples, folder: Path) -> Path:
    """Return where the program of a case is, once built."""
    place = case.source.relative_to(examples.sources)
    return folder / place.parent / place.name.replace(".", "_")


def build(case: Case, examples: Examples, folder: Path) -> str:
    """Compile the program of a case unless it is there.

    Returns
    -------
    str
        Empty, or what the compiler said.
    """
    made = executable(case, examples, folder)
    failed = made.with_name(made.name + ".failed")
    if made.exists():
        return ""
    if failed.exists():
        return failed.read_text()
    made.parent.mkdir(parents=True, exist_ok=True)
    unfinished = made.with_name(f"{made.name}.{os.getpid()}")
    words = [*_compiler(case, made.parent), "-O1", "-w", f"-I{case.source.parent}"]
    words += [*_flags("--cflags"), str(case.source), *_further(case), "-o", str(unfinished)]
    libdir = _flags("--variable=libdir")
    words += [*_flags("--libs"), *[f"-Wl,-rpath,{each}" for each in libdir], "-lm"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        failed.write_text(done.stderr[-2000:] or "no message")
        return failed.read_text()
    unfinished.replace(made)
    return ""


def _compiler(case: Case, folder: Path) -> list[str]:
    if case.source.suffix in FORTRAN:
        return ["mpifort", "-ffree-line-length-0", "-J", str(folder)]
    return ["mpicxx"] if case.source.suffix == ".cxx" else ["mpicc"]


def _further(case: Case) -> list[str]:
    paths = [case.source.parent / name for name in case.depends if not name.endswith(".h")]
    return [str(path) for path in paths if path.exists()]


def _flags(query: str) -> list[str]:
    done = subprocess.run(
        ["pkg-config", query, "PETSc"], capture_output=True, text=True, check=True
    )
    return done.stdout.split()
