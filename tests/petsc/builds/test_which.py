"""A program gets the plug-in of its own PETSc; one that is of another build leaves it alone."""

import os
import re
import shutil
import subprocess
from itertools import permutations
from pathlib import Path

import pytest

from metasolve.petsc import compiled, elf, installation, linked, remembered

from .conftest import BUILDS, OTHERS, PLUGIN_OF, folder_of, petsc4py_of

pytestmark = pytest.mark.skipif(len(BUILDS) < 2, reason="one PETSc is installed: make test-builds")
OWN = "every solve is left to the program's own settings"
GOOD = {"ksp_type": "gmres", "pc_type": "bjacobi", "sub_pc_type": "ilu"}


def told(done):
    said = [line for line in done.stderr.splitlines() if line.startswith("metasolve:")]
    return [line for line in said if line.endswith(OWN)]


def facts(loader):
    return {key: compiled.manifest(loader.parent)[key] for key in ("int", "scalar")}


@pytest.fixture
def alone(monkeypatch):
    for name in ("METASOLVE_PETSC_DIR", "PETSC_DIR", "PKG_CONFIG_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", BUILDS)
@pytest.mark.parametrize("before", [[], ["mpiexec", "-n", "2"], ["env", "X=1"]])
def test_the_program_says_which_petsc_it_is(name, before, program, alone):
    if before and shutil.which(before[0]) is None:
        pytest.skip(f"{before[0]} is not installed")
    (binary,) = program("hard_coded", name)
    library = linked.petsc_of([*before, binary, "-n", "8"])
    assert library is not None
    assert library.name in elf.needed(Path(binary))
    found = installation.of_library(library)
    assert found is not None
    assert f"-L{folder_of(name)}/lib" in found.libs
    assert facts(remembered.build([*before, binary])) == PLUGIN_OF[name]


def test_a_program_in_path_is_looked_at_and_data_are_not(program, alone, monkeypatch, tmp_path):
    (binary,) = program("hard_coded", OTHERS[0])
    (tmp_path / "data").write_bytes(b"\x7fELF no program")
    (tmp_path / "data").chmod(0o755)
    monkeypatch.setenv("PATH", f"{Path(binary).parent}:{os.environ['PATH']}")
    words = ["mpiexec", "-n", "1", Path(binary).name, str(tmp_path / "data"), str(tmp_path)]
    assert linked.petsc_of(words) == linked.petsc_of([binary])
    assert linked.petsc_of([str(tmp_path / "data"), "ls", "-n", "2", ""]) is None
    assert linked.petsc_of([]) is None


def test_a_program_of_this_folder_is_looked_at(program, alone, monkeypatch):
    (binary,) = program("hard_coded", OTHERS[0])
    monkeypatch.chdir(Path(binary).parent)
    for name in (f"./{Path(binary).name}", f"../{Path(binary).parent.name}/{Path(binary).name}"):
        assert linked.petsc_of(["mpiexec", "-n", "2", name]) == linked.petsc_of([binary])


def test_a_petsc_that_is_linked_by_a_library_counts_as_well(tmp_path, program, alone):
    (binary,) = program("hard_coded", OTHERS[0])
    petsc = linked.petsc_of([binary])
    (tmp_path / "middle.c").write_text("int middle(void) { return 0; }\n")
    (tmp_path / "main.c").write_text("int middle(void);\nint main(void) { return middle(); }\n")
    keep = ["-Wl,--no-as-needed"]
    words = ["cc", "-shared", "-fPIC", "middle.c", "-o", "libmiddle.so", *keep, str(petsc)]
    subprocess.run(words, cwd=tmp_path, check=True)
    words = ["cc", "main.c", "-o", "main", "-L.", "-lmiddle", "-Wl,-rpath,$ORIGIN"]
    subprocess.run(words, cwd=tmp_path, check=True)
    assert not any("petsc" in name for name in elf.needed(tmp_path / "main"))
    assert linked.petsc_of([str(tmp_path / "main")]) == petsc


@pytest.mark.parametrize("name", BUILDS)
@pytest.mark.parametrize("size", [1, 2])
def test_run_acts_in_a_program_of_any_build(
    name, size, program, metasolve, pinned, lines, tmp_path, ranks
):
    command = ranks(program("hard_coded", name), size)
    done = metasolve(
        "run", pinned(**GOOD), "--budget", "1000", "--log", tmp_path / "log", "--", *command
    )
    assert (done.returncode, told(done)) == (0, []), done.stderr
    found = lines()
    assert [line["source"] for line in found] == ["model", "model"]
    assert all(line["true_residual"] <= line["tolerance"] for line in found)


@pytest.mark.parametrize(("name", "core"), list(permutations(BUILDS, 2)))
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_program_of_another_build_runs_as_without_us(
    name, core, ranks, program, lonely, pinned, run_program, tmp_path
):
    command = program("hard_coded", name)
    env = {
        "METASOLVE_MODE": "run",
        "METASOLVE_BUDGET": "1000",
        "METASOLVE_DIR": str(pinned(**GOOD)),
        "METASOLVE_LOG": str(tmp_path / "log"),
        "PETSC_OPTIONS": f"-dll_append {lonely(core)}",
    }
    done = run_program(command, env=env, ranks=ranks)
    assert (done.returncode, done.stdout) == (0, run_program(command, ranks=ranks).stdout)
    (line,) = told(done)
    assert re.search(r"runs PETSc with (64|32)-bit|runs PETSc with (real|complex) numbers", line)
    assert "set METASOLVE_PETSC_DIR" in line
    assert not (tmp_path / "log").exists()
    assert "PETSC ERROR" not in done.stderr


@pytest.mark.parametrize(("name", "core"), list(permutations(BUILDS, 2)))
def test_the_loader_finds_what_was_built_for_the_program_before(
    name, core, program, lonely, plugin_of, pinned, run_program, lines, tmp_path
):
    """A script is no program that can be looked at; its variables name any loader of ours."""
    loader = lonely(core)
    shutil.copytree(plugin_of(name), loader.parent.parent / "1")
    env = {
        "METASOLVE_MODE": "run",
        "METASOLVE_BUDGET": "1000",
        "METASOLVE_DIR": str(pinned(**GOOD)),
        "METASOLVE_LOG": str(tmp_path / "log"),
        "PETSC_OPTIONS": f"-dll_append {loader}",
    }
    done = run_program(program("hard_coded", name), env=env)
    assert (done.returncode, told(done)) == (0, [])
    assert {line["source"] for line in lines()} == {"model"}
    other = loader.parent.parent / "1" / compiled.MANIFEST
    other.write_text(other.read_text().replace("\nsources ", "\nsources 0"))
    done = run_program(program("hard_coded", name), env=env)
    assert (done.returncode, len(told(done)), lines()) == (0, 1, [])


def test_what_was_built_is_used_where_the_headers_are_gone(program, alone, monkeypatch, plugin_of):
    name = OTHERS[0]
    place = plugin_of(name)
    monkeypatch.setattr(installation, "of_library", lambda _: None)
    assert remembered.build(program("hard_coded", name)).parent == place


def test_a_petsc_that_is_named_comes_first(program, alone, monkeypatch):
    monkeypatch.setenv("METASOLVE_PETSC_DIR", str(folder_of("real")))
    assert facts(remembered.build(program("hard_coded", OTHERS[0]))) == PLUGIN_OF["real"]


@pytest.mark.parametrize("name", BUILDS)
def test_petsc4py_of_any_build_is_accelerated(name, host, metasolve, pinned, lines, tmp_path):
    variables = petsc4py_of(name)
    words = [
        "run",
        pinned(**GOOD),
        "--budget",
        "1000",
        "--log",
        tmp_path / "log",
        "--",
        *host("petsc4py_host"),
    ]
    done = metasolve(*words, **variables)
    assert (done.returncode, told(done)) == (0, []), done.stderr
    assert {line["source"] for line in lines()} == {"model"}
