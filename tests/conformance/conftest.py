"""Foreign programs, built once; permissive models; where PETSc's own tests are."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from petsc_build import build, executable
from petsc_cases import Case, Examples
from pins import METASOLVE, pin

from metasolve.petsc import library

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="session")
def tools():
    """Skip where programs cannot be built or metasolve is not called by its name.

    The plug-in is there, too, before the first run: no run's limit is spent on compiling it.
    """
    pytest.importorskip("petsc4py")
    absent = [name for name in ("mpicc", "mpiexec", "pkg-config") if shutil.which(name) is None]
    if absent or not Path(METASOLVE).exists():
        pytest.skip(f"not installed: {', '.join(absent) or 'metasolve beside this interpreter'}")
    library.build()


@pytest.fixture(scope="session")
def work(tools, tmp_path_factory):
    """Folder for programs, models and runs."""
    return tmp_path_factory.mktemp("conformance")


@pytest.fixture(scope="session")
def examples(tools):
    """Skip where PETSc's examples are not installed."""
    found = Examples.find()
    if found is None:
        pytest.skip("PETSc's examples are not installed")
    return found


@pytest.fixture
def model(work):
    """`model(name)`: the directory of a pin, or of one like it where PETSc lacks what it needs."""
    from petsc4py import PETSc

    def made(name):
        has = PETSc.Sys.hasExternalPackage
        like = {"gmres-hypre": ("hypre", "gmres-gamg"), "gmres-mumps": ("mumps", "gmres-lu")}
        package, instead = like.get(name, ("", ""))
        return pin(instead if package and not has(package) else name, work / "models")

    return made


@pytest.fixture
def program(request, work):
    """`program(name)`: one of ours, or a source of PETSc's examples, compiled."""

    def built(name):
        if name.endswith(".py"):
            return [sys.executable, str(PROGRAMS / name)]
        if "/" in name:
            known = request.getfixturevalue("examples")
            source = known.sources / name
        else:
            known, source = Examples(PROGRAMS.parent, PROGRAMS), PROGRAMS / f"{name}.c"
            known.sources = PROGRAMS
        case = Case(name, source)
        said = build(case, known, work / "bin")
        assert not said, said
        return [str(executable(case, known, work / "bin"))]

    return built
