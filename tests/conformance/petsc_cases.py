"""PETSc's own tests as cases: what the TEST blocks of its sources say is to be run."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

SUFFIXES = (".c", ".F90", ".cxx", ".F", ".f90")
ALWAYS = {"double", "c", "cxx", "fortran", "x", "ptscotch", "hdf5"}  # as Debian builds it
MOST_RANKS = 8
ONE_VALUE = re.compile(r"\{\{([^{}]*)\}[^{}]*\}")  # {{a b c}separate output}: each a test
UNIT = re.compile(r"define(?:d)?\((\w+)\)")


@dataclass(frozen=True)
class Case:
    """One test of PETSc's.

    Attributes
    ----------
    name : source within the examples and name of the test.
    source : the program.
    ranks : on which it runs.
    arguments, environment : words and variables, as a shell reads them.
    files : next to the source, that it needs.
    depends : further sources.
    skip : why it cannot run here; empty if it can.
    """

    name: str
    source: Path
    ranks: int = 1
    arguments: str = ""
    environment: str = ""
    files: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    skip: str = ""


class Examples:
    """The sources of PETSc's examples as a package installs them.

    Parameters
    ----------
    root : folder that holds ``src`` and ``config``.
    include : folder with this PETSc's ``petscconf.h``.
    """

    def __init__(self, root: Path, include: Path) -> None:
        self.root, self.sources = root, root / "src"
        self._include = include

    @classmethod
    def find(cls) -> Examples | None:
        """Return those of the PETSc that pkg-config knows; None where they are not installed."""
        version = ".".join(_pkg_config("--modversion").split(".")[:2])
        folders = [word[2:] for word in _pkg_config("--cflags").split() if word.startswith("-I")]
        include = next((f for f in map(Path, folders) if (f / "petscconf.h").exists()), None)
        root = Path("/usr/share/petsc", version, "share", "petsc", "examples")
        if include is None or not (root / "config" / "testparse.py").exists():
            return None
        return cls(root, include)

    @property
    def petsc_dir(self) -> Path:
        """What the tests call PETSC_DIR: below it lies share/petsc."""
        return self.root.parents[2]

    def cases(self, places: Sequence[str]) -> Iterator[Case]:
        """Return the cases of sources, or of all sources in folders, ordered by name."""
        for place in places:
            path = self.sources / place
            every = [path] if path.is_file() else sorted(path.rglob("*"))
            for source in every:
                if source.suffix in SUFFIXES and source.is_file():
                    yield from self._of(source)

    def named(self, name: str) -> Case:
        """Return one case; KeyError if there is none of that name."""
        for case in self.cases([name.split(":", maxsplit=1)[0]]):
            if case.name == name:
                return case
        raise KeyError(name)

    def _of(self, source: Path) -> Iterator[Case]:
        text = source.read_text(errors="replace")
        if "/*TEST\n" not in text:
            return
        block = " ".join(part.split("TEST*/")[0] for part in text.split("/*TEST\n")[1:])
        block = ONE_VALUE.sub(lambda found: (found[1].split() or [""])[0], block)
        place = source.relative_to(self.sources)
        try:
            tests = self._parser.parseTests(block, str(source), [], 0)
        except Exception as error:  # noqa: BLE001 - PETSc's parser raises anything
            yield Case(f"{place}:?", source, skip=f"cannot be parsed: {error}")
            return
        build = tests.pop("build", {})
        for name, test in tests.items():
            parts = [(sub, test[sub]) for sub in test.get("subtests", [])] or [("", {})]
            for sub, more in parts:
                ending = f".{sub}" if len(parts) > 1 else ""
                called = f"{place}:{name.removeprefix('run')}{ending}"
                yield self._case(called, source, build, test, more)

    def _case(self, name: str, source: Path, build: dict[str, Any], test: dict, more: dict) -> Case:
        def joined(key: str) -> str:
            return " ".join(filter(None, [test.get(key, ""), more.get(key, "")]))

        def either(key: str) -> str:
            return more.get(key) or test.get(key) or ""

        ranks = int(either("nsize")) if either("nsize").isdigit() else 1
        reasons = [key for key in ("SKIP", "TODO") if any(key in d for d in (test, more, build))]
        reasons += ["a command of its own"] * bool(either("command"))
        unmet = self._unmet(joined("requires") + " " + build.get("requires", ""))
        reasons += [f"requires {unmet}"] * bool(unmet)
        reasons += ["requires datafilespath"] * ("DATAFILESPATH" in joined("args"))
        reasons += [f"{ranks} ranks"] * (ranks > MOST_RANKS)
        return Case(
            name, source, ranks, joined("args"), joined("env"),
            tuple(either("localrunfiles").split()), tuple(build.get("depends", "").split()),
            reasons[0] if reasons else "",
        )  # fmt: skip

    def _unmet(self, requires: str) -> str:
        """Return the first word of what is required that this PETSc does not have."""
        for word in requires.replace(",", " ").split():
            wanted = word.lstrip("!")
            defined = UNIT.match(wanted)
            if defined:
                known = {defined[1], "PETSC_" + defined[1]} & self._defined
            else:
                known = wanted.lower() in self._has
            if bool(known) == word.startswith("!"):
                return word
        return ""

    @cached_property
    def _configuration(self) -> str:
        return (self._include / "petscconf.h").read_text()

    @cached_property
    def _has(self) -> set[str]:
        return ALWAYS | {
            x.lower() for x in re.findall(r"define PETSC_HAVE_(\w+)", self._configuration)
        }

    @cached_property
    def _defined(self) -> set[str]:
        return set(re.findall(r"define (PETSC_\w+)", self._configuration))

    @cached_property
    def _parser(self) -> ModuleType:
        """PETSc's own parser of the blocks, which leaves no compiled file beside itself."""
        before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        sys.path.insert(0, str(self.root / "config"))
        try:
            return importlib.import_module("testparse")
        finally:
            sys.path.remove(str(self.root / "config"))
            sys.dont_write_bytecode = before


def _pkg_config(query: str) -> str:
    try:
        done = subprocess.run(
            ["pkg-config", query, "PETSc"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip()
