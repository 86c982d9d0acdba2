"""Programs of every PETSc that is installed side by side: real or complex, 32 or 64 bits."""

import functools
import json
import os
import shutil
import subprocess
import sys

import pytest

from metasolve.petsc import compiled, installation, place

from ...conftest import HOSTS, build, need_compiler

PLUGIN_OF = {
    "real": {"int": "4", "scalar": "8"},
    "real64": {"int": "8", "scalar": "8"},
    "complex": {"int": "4", "scalar": "16"},
    "complex64": {"int": "8", "scalar": "16"},
}


def installed():
    """Folders of PETSc by build, of one version: the newest."""
    found = {}
    for root in sorted(installation.DEBIAN.glob("*/*")):
        if (root / "lib" / "pkgconfig" / "PETSc.pc").is_file():
            bits = "64" if root.parent.name.startswith("petsc64") else ""
            found[root.name.rpartition("-")[2] + bits] = root
    return found


BUILDS = installed()
OTHERS = [name for name in ("real64", "complex", "complex64") if name in BUILDS]


def folder_of(name):
    if name not in BUILDS:
        pytest.skip(f"no PETSc of the build {name} is installed: make test-builds")
    return BUILDS[name]


def pkg_config(name, *words):
    folder = folder_of(name) / "lib" / "pkgconfig"
    env = {**os.environ, "PKG_CONFIG_PATH": str(folder)}
    done = subprocess.run(
        ["pkg-config", *words, "PETSc"], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """`program(host, build)`: the command of a program of tests/hosts, linked to that PETSc."""
    folder = tmp_path_factory.mktemp("programs")

    def command(host, name):
        compiler = need_compiler(".c")
        binary = folder / f"{host}-{name}"
        if not binary.exists():
            words = [compiler, "-O1", *pkg_config(name, "--cflags"), str(HOSTS / f"{host}.c")]
            build([*words, *pkg_config(name, "--libs"), "-lm", "-o", str(binary)], dict(os.environ))
        return [str(binary)]

    return command


@pytest.fixture(scope="session")
def plugin_of():
    """`plugin_of(build)`: the folder of the plug-in for that PETSc."""

    def folder(name):
        found = installation._at(folder_of(name), "", "test")
        return compiled.folder(found)

    return folder


@pytest.fixture
def lonely(tmp_path, plugin_of):
    """`lonely(build)`: its loader in a folder without others next to it."""

    def loader(name):
        copy = tmp_path / f"only-{name}" / "0"
        if not copy.exists():
            shutil.copytree(plugin_of(name), copy)
        return copy / place.LOADER

    return loader


def petsc4py_of(name):
    """The environment in which Python imports the petsc4py of that build."""
    env = {"PETSC_DIR": str(folder_of(name))}
    if not imported(env["PETSC_DIR"]):
        pytest.skip(f"no petsc4py of the build {name} for this Python: make test-builds")
    return env


@functools.cache
def imported(folder):
    """Whether this Python imports a petsc4py that is bound to the PETSc of that folder."""
    words = "from petsc4py import PETSc, get_config; print(get_config()['PETSC_DIR'])"
    env = {**os.environ, "PETSC_DIR": folder}
    done = subprocess.run(
        [sys.executable, "-c", words], env=env, capture_output=True, text=True, check=False
    )
    return done.returncode == 0 and os.path.realpath(done.stdout.strip()) == os.path.realpath(
        folder
    )


@pytest.fixture
def metasolve(run_program):
    """`metasolve(*words, ranks=1, **variables)`: a command of ours, finished."""

    def run(*words, **variables):
        command = [sys.executable, "-m", "metasolve", *map(str, words)]
        env = {"METASOLVE_PETSC_DIR": "", "PETSC_DIR": "", "PKG_CONFIG_PATH": "", **variables}
        return run_program(command, env=env)

    return run


@pytest.fixture
def pinned(tmp_path, metasolve):
    """`pinned(**settings)`: a model of constant settings."""

    def make(**settings):
        out = tmp_path / "pinned"
        shutil.rmtree(out, ignore_errors=True)
        words = [f"{name}={value}" for name, value in settings.items()]
        done = metasolve("pin", "-o", out, *words)
        assert done.returncode == 0, done.stderr
        return out

    return make


@pytest.fixture
def lines(tmp_path):
    """`lines()`: the solves of the log `tmp_path/log`, which is removed."""

    def read():
        log = tmp_path / "log"
        if not log.exists():
            return []
        found = [json.loads(line) for line in log.read_text().splitlines()]
        log.unlink()
        return [line for line in found if line["source"] not in ("run", "left", "state")]

    return read


@pytest.fixture(scope="session")
def feature_names(plugin_of):
    plugin_of("real")
    from metasolve.petsc.library import plugin

    return plugin().names
