"""The library that PETSc loads: what it refuses, in one line, unnoticed by the program."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from metasolve.petsc import compiled, elf, place
from metasolve.petsc.petsc_options import with_plugin

SETTINGS = {"ksp_type": "cg", "pc_type": "jacobi"}
OWN = "every solve is left to the program's own settings"


@pytest.fixture
def copy(tmp_path, plugin_library):
    """The plug-in's folder, to be damaged."""
    return Path(shutil.copytree(plugin_library.parent, tmp_path / "copy"))


def cut(folder):
    core = folder / compiled.CORE
    core.write_bytes(core.read_bytes()[: core.stat().st_size // 2])


def flip(folder):
    data = bytearray((folder / compiled.CORE).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / compiled.CORE).write_bytes(data)


def no_library(folder):
    """Whole, by its checksum, and yet nothing that can be loaded."""
    text = b"no library at all"
    (folder / compiled.CORE).write_bytes(text)
    say(folder, "bytes", len(text))
    say(folder, "sha256", hashlib.sha256(text).hexdigest())


def say(folder, key, value):
    text = (folder / compiled.MANIFEST).read_text()
    text, count = re.subn(rf"^{key} .*$", f"{key} {value}", text, count=1, flags=re.MULTILINE)
    assert count == 1
    (folder / compiled.MANIFEST).write_text(text)


def claim(key, value):
    return lambda folder: say(folder, key, value)


def other(key, one, another):
    """Claim another number than there is."""

    def claim_other(folder):
        say(folder, key, another if compiled.manifest(folder)[key] == str(one) else one)

    return claim_other


HARMS = {
    "half": (cut, "is damaged .* bytes instead of"),
    "empty": (lambda folder: (folder / compiled.CORE).write_bytes(b""), "is damaged .0 bytes"),
    "missing": (lambda folder: (folder / compiled.CORE).unlink(), "core.so cannot be read"),
    "flipped": (flip, "SHA-256"),
    "no library": (no_library, "cannot be loaded .*core.so.*metasolve doctor"),
    "no manifest": (lambda folder: (folder / compiled.MANIFEST).unlink(), "core.txt cannot be"),
    "empty manifest": (lambda folder: (folder / compiled.MANIFEST).write_text(""), "is damaged"),
    "version": (claim("petsc", "3.19"), r"version 3.\d+, but .* 3.19; set METASOLVE_PETSC_DIR"),
    "repository": (claim("release", 0), "a release, but .* another; set METASOLVE_PETSC_DIR"),
    "indices": (other("int", 4, 8), "(32|64)-bit indices, but .* (?!\\1)(32|64)-bit"),
    "complex": (
        other("scalar", 8, 16),
        "(real|complex) numbers, but .* (?!\\1)(real|complex) ones",
    ),
    "precision": (claim("real", 4), "precision double, but .* single"),
    "devices": (claim("device", 1), "devices"),
    "MPI": (claim("mpi", "MPICH"), "MPI: Open MPI, but .* MPICH; set METASOLVE_PETSC_DIR"),
    "library": (claim("needs", "libpetsc_other.so.3"), "libpetsc_other.so.3, which is not what"),
}


@pytest.fixture
def run_copy(copy, constant_model, run_with):
    """`run_copy(command, ranks=1)`: a run with the damaged plug-in."""

    def run(command, ranks=1, **env):
        env = {"PETSC_OPTIONS": f"-dll_append {copy / place.LOADER}", **env}
        return run_with(constant_model(**SETTINGS), command, ranks=ranks, env=env)

    return run


def told(done):
    return [line for line in done.stderr.splitlines() if line.startswith("metasolve:")]


@pytest.mark.parametrize("harm", HARMS)
def test_a_plugin_that_does_not_fit_leaves_the_program_alone(
    harm, copy, host, run_program, run_copy
):
    command = [*host("hard_coded"), "-n", "8"]
    damage, why = HARMS[harm]
    damage(copy)
    done, lines = run_copy(command)
    assert (done.returncode, done.stdout, lines) == (0, run_program(command).stdout, [])
    (line,) = told(done)
    assert re.search(why, line)
    assert line.endswith(f"; {OWN}")
    assert "PETSC ERROR" not in done.stderr


def test_one_rank_speaks(copy, host, run_copy):
    cut(copy)
    done, lines = run_copy(host("hard_coded"), ranks=2)
    assert (done.returncode, lines, len(told(done))) == (0, [], 1)


@pytest.mark.parametrize("damaged", [0, 1])
def test_what_one_rank_lacks_no_rank_uses(
    damaged, copy, tmp_path, plugin_library, host, constant_model, run_program, ranks
):
    cut(copy)
    fine = plugin_library.parent
    places = [copy, fine] if damaged == 0 else [fine, copy]
    first, *rest = ranks(host("hard_coded"), 2)
    if "Open MPI" not in compiled.manifest(fine)["mpi"]:
        pytest.skip("-wdir is Open MPI's")
    program = rest[-1]
    words = [first, *rest[:-3], "-n", "1", "-wdir", str(places[0]), program]
    words += [":", "-n", "1", "-wdir", str(places[1]), program]
    env = {
        "METASOLVE_MODE": "run",
        "METASOLVE_DIR": str(constant_model(**SETTINGS)),
        "METASOLVE_LOG": str(tmp_path / "log"),
        "PETSC_OPTIONS": f"-dll_append /proc/self/cwd/{place.LOADER}",
    }
    done = run_program(words, env=env, timeout=30)
    assert done.returncode == 0
    (line,) = told(done)
    assert "is damaged" in line if damaged == 0 else "on all ranks" in line
    assert not (tmp_path / "log").exists()


def test_ranks_that_lack_our_variables_do_not_leave_the_others_waiting(
    plugin_library, tmp_path, host, constant_model, run_program, ranks
):
    *words, program = ranks(host("hard_coded"), 2)
    words = [
        *words[:-2],
        "-n",
        "1",
        program,
        ":",
        "-n",
        "1",
        "env",
        "-u",
        "METASOLVE_MODE",
        program,
    ]
    env = {
        "METASOLVE_MODE": "run",
        "METASOLVE_DIR": str(constant_model(**SETTINGS)),
        "METASOLVE_LOG": str(tmp_path / "log"),
        "PETSC_OPTIONS": f"-dll_append {plugin_library}",
    }
    done = run_program(words, env=env, timeout=30)
    (line,) = told(done)
    assert (done.returncode, "or METASOLVE_OFF is on some; let mpiexec" in line) == (0, True)
    assert not (tmp_path / "log").exists()


def test_nothing_is_said_where_nothing_is_asked_for(copy, host, run_program):
    cut(copy)
    options = {"PETSC_OPTIONS": f"-dll_append {copy / place.LOADER}"}
    done = run_program(host("hard_coded"), env={**options, "METASOLVE_MODE": "run"})
    assert (done.returncode, done.stderr) == (0, "")


def test_nobody_reads_what_is_said(copy, host):
    cut(copy)
    reader, writer = os.pipe()
    os.close(reader)
    env = {
        **os.environ,
        "METASOLVE_MODE": "run",
        "METASOLVE_DIR": "/nowhere",
        "PETSC_OPTIONS": f"-dll_append {copy / place.LOADER}",
    }
    done = subprocess.run(host("hard_coded"), env=env, stderr=writer, check=False)
    os.close(writer)
    assert done.returncode == 0


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("name", ["hard_coded", "fortran_host", "petsc4py_host"])
def test_where_it_fits_the_plugin_acts(name, ranks, copy, host, run_copy):
    done, lines = run_copy(host(name), ranks=ranks)
    assert (done.returncode, told(done)) == (0, [])
    assert "model" in {line["source"] for line in lines}


def test_a_link_to_it_will_do(copy, tmp_path, host, run_copy):
    link = tmp_path / "elsewhere" / "libmetasolve.so"
    link.parent.mkdir()
    link.symlink_to(copy / place.LOADER)
    done, lines = run_copy(host("hard_coded"), PETSC_OPTIONS=f"-dll_append {link}")
    assert (told(done), bool(lines)) == ([], True)


NAMES = [
    "a,b",
    "two words",
    "it's",
    'say "x"',
    "100%s %d",
    "$HOME $x",
    "hüß→",
    "back\\slash",
    "~",
    "#x",
    "a;b:c",
    "two\nlines",
    "tab\t",
]


@pytest.mark.parametrize("name", NAMES)
def test_folders_of_any_name_work(name, tmp_path, plugin_library, host, constant_model, run_with):
    model = constant_model(**SETTINGS).rename(tmp_path / name)
    cache = Path(shutil.copytree(plugin_library.parent, tmp_path / "cache" / name))
    log = tmp_path / name / "log"
    env = {
        **with_plugin("", cache / place.LOADER),
        "METASOLVE_LOG": str(log),
    }
    done, _ = run_with(model, host("hard_coded"), env=env)
    assert (done.returncode, told(done)) == (0, [])
    assert '"source":"model"' in log.read_text()


def test_a_recording_of_any_name_works(tmp_path, host, record_with):
    for name in NAMES:
        done, out = record_with(host("hard_coded"), out=tmp_path / "recordings" / name)
        assert (done.returncode, told(done)) == (0, [])
        assert len((out / "manifest.jsonl").read_text().splitlines()) > 1


def test_a_library_of_an_options_file_is_loaded_as_well(
    tmp_path, plugin_library, host, run_program, monkeypatch
):
    source, theirs = tmp_path / "theirs.c", tmp_path / "libtheirs.so"
    call = 'int PetscDLLibraryRegister_theirs(void) { return puts("theirs") < 0; }'
    source.write_text(f"#include <stdio.h>\n{call}\n")
    subprocess.run(["cc", "-shared", "-fPIC", str(source), "-o", str(theirs)], check=True)
    (tmp_path / ".petscrc").write_text(f"-dll_append {theirs}\n")
    monkeypatch.chdir(tmp_path)
    env = with_plugin("-dll_view", plugin_library)
    done = run_program(host("hard_coded"), env=env, cwd=tmp_path)
    assert done.stdout.startswith("theirs\n")
    assert "libmetasolve" in done.stderr + done.stdout


def test_it_needs_neither_petsc_nor_mpi(plugin_library):
    assert all(re.match(r"lib(c|dl)\.", name) for name in elf.needed(plugin_library))
    asked = elf.needed(plugin_library.parent / compiled.CORE)
    assert any("petsc" in name for name in asked)
    if shutil.which("readelf"):
        words = ["readelf", "-d", str(plugin_library.parent / compiled.CORE)]
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        assert re.findall(r"\(NEEDED\).*\[(.*)\]", said) == asked
