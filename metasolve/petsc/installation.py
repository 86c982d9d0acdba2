"""Where a PETSc is and how to compile against it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from metasolve.errors import PluginError

DEBIAN = Path("/usr/lib/petscdir")  # where it keeps several of them side by side
PRIVATE_HEADER = Path("petsc/private/kspimpl.h")
INSTALL_PETSC = (
    "install the PETSc that your program uses with its development files (Debian, Ubuntu: "
    "apt-get install libpetsc-real-dev pkg-config) or set PETSC_DIR and PETSC_ARCH"
)
INSTALL_MPICC = (
    "install the MPI compiler of that PETSc (Debian, Ubuntu: apt-get install libopenmpi-dev gcc) "
    "or set METASOLVE_CC"
)


class Installation(NamedTuple):
    """One PETSc: its version and the commands' words that compile against it.

    Parameters
    ----------
    version
        As PETSc prints it, such as ``3.18.5``.
    compiler
        The MPI C compiler, as words.
    cflags, libs
        Words for the compiler: where headers are, what to link.
    found_by
        What led here, for messages: ``METASOLVE_PETSC_DIR``, ``PETSC_DIR``, ``pkg-config``,
        ``petsc4py`` or a library.
    """

    version: str
    compiler: tuple[str, ...]
    cflags: tuple[str, ...]
    libs: tuple[str, ...]
    found_by: str

    @property
    def library(self) -> str:
        """How the file name of its library begins, such as ``libpetsc_real.so``."""
        name = next((word[2:] for word in self.libs if word.startswith("-lpetsc")), "petsc")
        return f"lib{name}.so"

    def check(self) -> None:
        """Raise `PluginError` if the compiler or PETSc's private headers are missing."""
        if shutil.which(self.compiler[0]) is None:
            raise PluginError(f"no compiler {self.compiler[0]!r} in PATH: {INSTALL_MPICC}")
        folders = [Path(word[2:]) for word in self.cflags if word.startswith("-I")]
        if not any((folder / PRIVATE_HEADER).exists() for folder in folders):
            looked = " ".join(map(str, folders)) or "the compiler's own folders"
            raise PluginError(f"no {PRIVATE_HEADER} in {looked}: {INSTALL_PETSC}")


def find() -> Installation:
    """Find the PETSc of the program to be started.

    Looks at METASOLVE_PETSC_DIR, PETSC_DIR (each with PETSC_ARCH), pkg-config and, last, at the
    PETSc that petsc4py was built with.

    Raises
    ------
    PluginError
        Where nothing is found, or where a variable names a directory without PETSc.
    """
    for variable in ("METASOLVE_PETSC_DIR", "PETSC_DIR"):
        if os.environ.get(variable):
            arch = os.environ.get("PETSC_ARCH", "")
            return _at(Path(os.environ[variable]), arch, variable)
    found = _from_pkg_config({}, "pkg-config")
    if found is None and petsc4py_directory() is not None:
        found = of_petsc4py()
    if found is None:
        raise PluginError(f"no PETSc found by PETSC_DIR, pkg-config or petsc4py: {INSTALL_PETSC}")
    return found


def of_petsc4py() -> Installation:
    """Find the PETSc that petsc4py was built with, without importing petsc4py's extension.

    Raises
    ------
    PluginError
        If petsc4py cannot be found.
    """
    place = petsc4py_directory()
    if place is None:
        raise PluginError("petsc4py is not installed: apt-get install python3-petsc4py, or pip")
    return _at(place[0], place[1], "petsc4py")


def of_library(library: Path) -> Installation | None:
    """Find the PETSc that a shared library of it belongs to; None where its headers are not here.

    Parameters
    ----------
    library
        Where the dynamic linker finds it. What is linked against has the same name without a
        version, in the same PETSc's ``lib``.
    """
    real = library.resolve()
    name = real.name.partition(".so")[0] + ".so"
    for root in (*{library.parent.parent: 0, real.parent.parent: 0}, *sorted(DEBIAN.glob("*/*"))):
        if (root / "lib" / name).resolve() == real:
            with contextlib.suppress(PluginError):
                return _at(root, "", str(library))
    return None


def petsc4py_directory() -> tuple[Path, str] | None:
    """PETSC_DIR and PETSC_ARCH of petsc4py, read from its petsc.cfg; None if not installed."""
    spec = importlib.util.find_spec("petsc4py")
    if spec is None or spec.origin is None:
        return None
    config = Path(spec.origin).parent / "lib" / "petsc.cfg"
    try:
        lines = config.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    entries = {key.strip(): value.strip() for key, _, value in (ln.partition("=") for ln in lines)}
    arch = entries.get("PETSC_ARCH", "").split(os.pathsep)[0]
    return (Path(entries["PETSC_DIR"]), arch) if entries.get("PETSC_DIR") else None


def _at(directory: Path, arch: str, found_by: str) -> Installation:
    roots = [directory / arch, directory] if arch else [directory]
    for root in roots:
        if (root / "lib" / "pkgconfig").is_dir():
            found = _from_pkg_config({"PKG_CONFIG_PATH": str(root / "lib" / "pkgconfig")}, found_by)
            if found is not None:
                return found
    for root in roots:
        variables = root / "lib" / "petsc" / "conf" / "petscvariables"
        if variables.exists():
            return _from_variables(directory, root, variables, found_by)
    raise PluginError(
        f"{found_by}={directory} (PETSC_ARCH={arch!r}) holds no PETSc: set both, "
        "or unset them to let pkg-config find PETSc"
    )


def _from_pkg_config(extra: Mapping[str, str], found_by: str) -> Installation | None:
    if shutil.which("pkg-config") is None:
        return None
    environment = {**os.environ, **extra}
    for name in ("PETSc", "petsc"):
        asked = [
            ["--modversion", name],
            ["--cflags", "--libs", name],
            ["--variable=ccompiler", name],
        ]
        version, flags, named = _answers(asked, environment)
        if not version:
            continue
        words = shlex.split(flags)
        # pkg-config leaves out -I for folders the compiler searches anyway.
        cflags = tuple(word for word in words if word.startswith(("-I", "-D")))
        cflags = cflags or ("-I/usr/include",)
        libs = tuple(word for word in words if word.startswith(("-L", "-l", "-Wl")))
        compiler = _compiler(named)
        return Installation(version, compiler, cflags, (*libs, *_rpaths(libs)), found_by)
    return None


def _answers(questions: list[list[str]], environment: Mapping[str, str]) -> list[str]:
    """Ask pkg-config, all questions at once: each start of it costs milliseconds."""
    with contextlib.ExitStack() as stack:
        asked = [
            stack.enter_context(
                subprocess.Popen(
                    ["pkg-config", *words],
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
            for words in questions
        ]
        told = [each.communicate()[0].strip() for each in asked]
        return [
            text if each.returncode == 0 else "" for text, each in zip(told, asked, strict=True)
        ]


def _from_variables(directory: Path, root: Path, file: Path, found_by: str) -> Installation:
    text = file.read_text(encoding="utf-8", errors="replace")
    variables = dict(re.findall(r"^(\w+) = (.*)$", text, re.MULTILINE))
    cflags = tuple(shlex.split(variables.get("PETSC_CC_INCLUDES", "")))
    own = tuple(f"-I{folder / 'include'}" for folder in dict.fromkeys((root, directory)))
    library = variables.get("PETSC_LIB_BASIC", "-lpetsc")
    libs = (f"-L{root / 'lib'}", *shlex.split(library))
    compiler = _compiler(variables.get("CC", ""))
    version = _version_of_headers([root / "include", directory / "include"])
    return Installation(version, compiler, own + cflags, (*libs, *_rpaths(libs)), found_by)


def _compiler(named: str) -> tuple[str, ...]:
    return tuple(shlex.split(os.environ.get("METASOLVE_CC") or named or "mpicc"))


def _version_of_headers(folders: list[Path]) -> str:
    for folder in folders:
        header = folder / "petscversion.h"
        if header.exists():
            text = header.read_text(encoding="utf-8", errors="replace")
            found = dict(re.findall(r"#define PETSC_VERSION_(MAJOR|MINOR|SUBMINOR)\s+(\d+)", text))
            return ".".join(found[key] for key in ("MAJOR", "MINOR", "SUBMINOR"))
    raise PluginError(f"no petscversion.h in {' '.join(map(str, folders))}: {INSTALL_PETSC}")


def _rpaths(libs: tuple[str, ...]) -> Iterator[str]:
    """Yield a run-time path per library folder: the loader may not know them."""
    return (f"-Wl,-rpath,{word[2:]}" for word in libs if word.startswith("-L"))
