import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from metasolve.errors import PluginError
from metasolve.petsc import installation, library

pytestmark = pytest.mark.skipif(shutil.which("mpicc") is None, reason="the plug-in is compiled")
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
    assert left == {"libmetasolve.so", ".lock"}
    assert place.startswith(str(cache))


def test_a_build_is_found_again_without_a_compiler(cache, monkeypatch):
    found = installation.find()
    place = library.build(found)
    monkeypatch.setattr(library, "_compile", None)
    assert library.build(found) == place
    assert found.version in place.parent.name


def test_other_flags_are_another_library(cache, monkeypatch):
    found = installation.find()
    keys = {library._key(found), library._key(replace(found, cflags=(*found.cflags, "-DX")))}
    assert len(keys) == 2


def test_a_missing_compiler_is_named_with_a_remedy(cache):
    found = replace(installation.find(), compiler=("no-such-mpicc",))
    with pytest.raises(PluginError, match=r"no-such-mpicc.*apt-get install"):
        library.build(found)


def test_missing_headers_are_named_with_a_remedy(cache, tmp_path):
    found = replace(installation.find(), cflags=(f"-I{tmp_path}",))
    with pytest.raises(PluginError, match=r"kspimpl.h.*libpetsc-real-dev"):
        library.build(found)


def test_a_failing_compiler_is_quoted_in_one_line(cache, tmp_path, monkeypatch):
    (tmp_path / "broken.c").write_text("int broken(void) { return nothing; }\n")
    monkeypatch.setattr(library, "SOURCES", tmp_path)
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
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(PluginError, match="XDG_CACHE_HOME"):
        library.build()
