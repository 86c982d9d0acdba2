"""The library that PETSc loads, in programs that run another PETSc, another MPI, or none."""

import os
import subprocess
from pathlib import Path

import pytest

from metasolve.petsc import compiled

FOREIGN = Path(__file__).parent / "foreign.c"
OWN = "every solve is left to the program's own settings"
MPICH = '"MPICH Version:      4.0.2\\nMPICH Release date: today"'
OPEN_MPI = '"Open MPI v4.1.4, package: somebody"'


@pytest.fixture
def compiled_here(tmp_path):
    """`compiled_here(name, *words)`: a program or library made of foreign.c."""

    def make(name, *words, shared=False):
        kind = ["-shared", "-fPIC", f"-Wl,-soname,{name}"] if shared else ["-DMAIN"]
        command = ["cc", *kind, str(FOREIGN), "-o", name, "-Wl,--no-as-needed", *words]
        command += ["-ldl", "-Wl,-rpath,$ORIGIN"]
        subprocess.run(command, cwd=tmp_path, check=True)
        return tmp_path / name

    return make


def start(program, plugin_library, *arguments):
    env = {**os.environ, "METASOLVE_MODE": "run", "METASOLVE_DIR": "/nowhere"}
    words = [str(program), str(plugin_library), *map(str, arguments)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert line.startswith("metasolve: ")
    assert line.endswith(f"; {OWN}")
    assert done.returncode == 0
    assert "code 0" in done.stdout.splitlines()
    assert compiled.CORE not in done.stdout
    return done.stdout, line


def test_under_another_mpi_no_second_one_is_loaded(compiled_here, plugin_library):
    mpi = compiled_here("libmpi.so.12", f"-DFAKE_MPI={MPICH}", shared=True)
    petsc = compiled_here("libpetsc.so.3.18", "-DFAKE_PETSC=18", mpi.name, shared=True)
    program = compiled_here("program", petsc.name, mpi.name)
    loaded, line = start(program, plugin_library)
    assert "MPI: MPICH, but the plug-in was built for Open MPI" in line
    assert "comm 44000000" in loaded.splitlines()
    assert "libmpi.so.12" in loaded
    assert "libmpi.so.40" not in loaded


def test_a_petsc_of_another_name_is_not_joined_by_ours(compiled_here, plugin_library):
    mpi = compiled_here("libmpi.so.40", f"-DFAKE_MPI={OPEN_MPI}", shared=True)
    facts = compiled.manifest(plugin_library.parent)
    if facts["petsc"] != "3.18" or facts["mpi"] != "Open MPI" or facts["scalar"] != "8":
        pytest.skip("the stand-in is a real PETSc 3.18 under Open MPI")
    words = ["-DFAKE_PETSC=18", "-DPetscInt=long"][: 2 if facts["int"] == "8" else 1]
    petsc = compiled_here("libpetsc.so.3.18", *words, mpi.name, shared=True)
    loaded, line = start(compiled_here("program", petsc.name, mpi.name), plugin_library)
    assert "which is not what the program runs" in line
    assert len({name for name in loaded.splitlines() if "libpetsc" in name}) == 1


def test_a_petsc_in_the_executable_is_not_joined_by_ours(compiled_here, plugin_library):
    mpi = compiled_here("libmpi.so.40", f"-DFAKE_MPI={OPEN_MPI}", shared=True)
    program = compiled_here("program", "-DFAKE_PETSC=18", "-rdynamic", mpi.name)
    loaded, _ = start(program, plugin_library)
    assert "libpetsc" not in loaded


def test_a_program_without_petsc(compiled_here, plugin_library):
    program = compiled_here("program", "-DALONE")
    _, line = start(program, plugin_library)
    assert "no shared PETSc has loaded the plug-in" in line


def test_of_two_petsc_the_one_that_loads_it_counts(compiled_here, plugin_library):
    hidden = compiled_here("libpetsc_hidden.so", "-DFAKE_PETSC=19", shared=True)
    other = compiled_here("libpetsc_other.so", "-DFAKE_PETSC=18", shared=True)
    _, line = start(compiled_here("program", other.name), plugin_library, hidden)
    assert "two PETSc" in line
