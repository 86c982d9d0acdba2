import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import pytest

from metasolve.errors import PluginError
from metasolve.petsc import compiled, elf, installation, launch, library, place

pytestmark = pytest.mark.skipif(shutil.which("mpicc") is None, reason="the plug-in is compiled")
CACHE = os.environ.get("XDG_CACHE_HOME")
BUILD = [sys.executable, "-c", "from metasolve.petsc import library; print(library.build())"]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_any_number_of_processes_may_build_at_once(cache):
    def build(_):
        return subprocess.run(BUILD, capture_output=True, text=True, check=True).stdout.strip()

    with ThreadPoolExecutor(3) as pool:
        (place,) = set(pool.map(build, range(3)))
    left = {path.name for path in cache.rglob("*") if path.is_file()}
    assert left == {"libmetasolve.so", "core.so", "core.txt", ".lock"}
    assert place.startswith(str(cache))


def test_a_build_is_found_again_without_a_compiler(cache, monkeypatch):
    found = installation.find()
    place = library.build(found)
    monkeypatch.setattr(compiled, "_compile", None)
    assert library.build(found) == place
    assert found.version in place.parent.name


def test_what_is_compiled_is_told_once_and_by_a_command_only(cache, capfd, monkeypatch, tmp_path):
    whole = built()  # by the compiler, which is not called any more

    def compiled_at_once(found, target):
        assert capfd.readouterr().err == told.pop(), "before, not after"
        shutil.copytree(whole, target, dirs_exist_ok=True)

    monkeypatch.setattr(compiled, "_compile", compiled_at_once)
    version = installation.find().version
    line = f"metasolve: compiling the plug-in for PETSc {version}, once; up to a minute\n"
    told = ["", line]
    for _ in range(2):
        assert launch.record(["true"], tmp_path / "recorded") == 0
    assert told == [""]
    shutil.rmtree(cache)
    library.build()
    assert (told, capfd.readouterr().err) == ([], "")


def test_other_flags_are_another_library(cache, monkeypatch):
    found = installation.find()
    keys = {compiled.key(found), compiled.key(found._replace(cflags=(*found.cflags, "-DX")))}
    assert len(keys) == 2


def test_a_missing_compiler_is_named_with_a_remedy(cache):
    found = installation.find()._replace(compiler=("no-such-mpicc",))
    with pytest.raises(PluginError, match=r"no-such-mpicc.*apt-get install"):
        library.build(found)


def test_missing_headers_are_named_with_a_remedy(cache, tmp_path):
    found = installation.find()._replace(cflags=(f"-I{tmp_path}",))
    with pytest.raises(PluginError, match=r"kspimpl.h.*libpetsc-real-dev"):
        library.build(found)


def test_a_failing_compiler_is_quoted_in_one_line(cache, tmp_path, monkeypatch):
    (tmp_path / "broken.c").write_text("int broken(void) { return nothing; }\n")
    monkeypatch.setattr(compiled, "SOURCES", tmp_path)
    with pytest.raises(PluginError, match=r"does not compile.*nothing") as caught:
        library.build()
    assert "\n" not in str(caught.value)


def test_a_directory_without_petsc_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PETSC_DIR", str(tmp_path))
    with pytest.raises(PluginError, match="PETSC_DIR"):
        installation.find()


def test_petscvariables_do_where_pkg_config_is_missing(monkeypatch, cache):
    by_pkg_config = installation.of_petsc4py()
    monkeypatch.setattr(installation, "_from_pkg_config", lambda *_: None)
    by_variables = installation.of_petsc4py()
    assert by_variables.version == by_pkg_config.version
    assert library.build(by_variables).exists()


def test_without_any_petsc_it_says_what_to_install(monkeypatch):
    for name in ("PETSC_DIR", "METASOLVE_PETSC_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(installation, "_from_pkg_config", lambda *_: None)
    monkeypatch.setattr(installation, "petsc4py_directory", lambda: None)
    with pytest.raises(PluginError, match="libpetsc-real-dev"):
        installation.find()


def test_a_cache_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(PluginError, match=r"cannot write .*file.*set XDG_CACHE_HOME"):
        library.build()


def test_a_full_disk_is_named(monkeypatch, tmp_path):
    """As compilers tell it, in lines of their own, before one that says that there was an error."""
    full = tmp_path / "full"
    full.write_text(
        "#!/bin/sh\necho 'ld: final link failed: No space left on device' >&2\n"
        "echo 'error: ld returned 1 exit status' >&2\nexit 1\n"
    )
    full.chmod(0o755)
    monkeypatch.setenv("METASOLVE_CC", str(full))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(PluginError, match=r"No space left.*XDG_CACHE_HOME.*room"):
        library.build()


@pytest.mark.parametrize("name", ["core.so", "libmetasolve.so", "core.txt"])
@pytest.mark.parametrize("harm", ["cut", "empty", "gone"])
def test_what_is_damaged_is_made_again(whole, name, harm):
    file = whole / name
    if harm == "gone":
        file.unlink()
    else:
        data = file.read_bytes()
        file.write_bytes(b"" if harm == "empty" else data[: len(data) // 2])
    assert not compiled.is_whole(whole)
    assert library.build().parent == whole
    assert compiled.is_whole(whole)


@pytest.fixture
def whole(cache, monkeypatch):
    """A folder of the cache with all files, made once; made again, its files are put back."""
    (cache / "metasolve").mkdir(parents=True)
    made = compiled.folder_of(installation.find())
    shutil.copytree(built(), made)
    monkeypatch.setattr(
        compiled, "_compile", lambda _, target: shutil.copytree(built(), target, dirs_exist_ok=True)
    )
    return made


@lru_cache(maxsize=1)
def built():
    """The plug-in as the other tests use it."""
    with pytest.MonkeyPatch.context() as patch:
        if CACHE is None:
            patch.delenv("XDG_CACHE_HOME", raising=False)
        else:
            patch.setenv("XDG_CACHE_HOME", CACHE)
        return library.build().parent


def test_what_was_made_before_needs_no_headers(whole, monkeypatch, tmp_path):
    found = installation.find()
    without = found._replace(cflags=(f"-I{tmp_path}",))
    assert library.build(without).parent == whole
    assert library.build(found._replace(compiler=("no-such-mpicc",))).parent == whole

    def none():
        raise PluginError("no PETSc found")

    monkeypatch.setattr(installation, "find", none)
    assert library.build().parent == whole
    monkeypatch.setenv("METASOLVE_PETSC_DIR", str(tmp_path))
    with pytest.raises(PluginError, match="no PETSc found"):
        library.build()


def test_what_was_made_of_other_sources_or_for_another_petsc_is_not_taken(whole, tmp_path):
    without = installation.find()._replace(cflags=(f"-I{tmp_path}",))
    with pytest.raises(PluginError, match=r"kspimpl\.h"):
        library.build(without._replace(version="3.99.0"))
    facts = whole / compiled.MANIFEST
    facts.write_text(facts.read_text().replace("\nsources ", "\nsources 0"))
    with pytest.raises(PluginError, match=r"kspimpl\.h"):
        library.build(without)


def test_a_folder_from_which_nothing_may_be_loaded_is_named(whole, monkeypatch):
    (whole / place.LOADER).write_text("as if mounted noexec")
    monkeypatch.setattr(compiled, "is_whole", lambda _: True)
    with pytest.raises(PluginError, match=r"cannot be loaded.*XDG_CACHE_HOME"):
        library.build()


def test_a_static_petsc_is_named(whole):
    lonely = whole / place.LOADER
    with pytest.raises(PluginError, match="with-shared-libraries"):
        compiled._linked_to(lonely, installation.find())


def test_a_compiler_that_links_mpi_to_everything_is_named(cache, tmp_path, monkeypatch):
    mpi = tmp_path / "libmpi_fake.so"
    words = ["cc", "-shared", "-o", mpi, f"-Wl,-soname,{mpi.name}", "-xc", "/dev/null"]
    subprocess.run(words, check=True)
    words = f'exec cc -Wl,--no-as-needed "$@" -Wl,--no-as-needed {mpi}'
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f"#!/bin/sh\n{words}\n")
    wrapper.chmod(0o755)
    monkeypatch.setattr(compiled, "_PLAIN_COMPILERS", (str(wrapper),))
    with pytest.raises(PluginError, match=r"links libmpi_fake.so .*put gcc or clang in PATH"):
        compiled._compile_loader(tmp_path / "loader.so", installation.find())


def test_what_is_no_library_has_no_needs(tmp_path, whole):
    cut = tmp_path / "cut.so"
    for data in (b"", b"text", (whole / compiled.CORE).read_bytes()[:100]):
        cut.write_bytes(data)
        with pytest.raises(ValueError, match=r"cut\.so"):
            elf.needed(cut)


WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror")


def test_the_loader_compiles_without_a_warning_and_without_petsc(tmp_path):
    sources = sorted((compiled.SOURCES / "loader").glob("*.c"))
    words = ["cc", *compiled.LOADER_FLAGS, *WARNINGS, *map(str, sources), "-o", tmp_path / "x.so"]
    done = subprocess.run([*words, "-ldl"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
