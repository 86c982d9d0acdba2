"""What tests share: the host programs, PETSc's own tutorials, and how programs are run."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from .haste import hastily, hasty  # noqa: F401 (fixtures)
from .plugin_made import plugin_library  # noqa: F401 (a fixture)

ROOT = Path(__file__).resolve().parent.parent
HOSTS = ROOT / "tests" / "hosts"
SOLVE = re.compile(
    r"^solve (?P<index>\d+) reason (?P<reason>-?\d+) iterations (?P<iterations>\d+) "
    r"residual +(?P<residual>\S+) norm +(?P<norm>\S+) prefix (?P<prefix>\S+)$",
    re.MULTILINE,
)

# The time of one example depends on what else the machine does: it is no property of ours.
hypothesis.settings.register_profile("metasolve", deadline=None)
hypothesis.settings.load_profile("metasolve")

# One thread per process, and an Open MPI that agrees to run as root: for the tests' own imports of
# PETSc as well as for every program they start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
if os.geteuid() == 0:
    os.environ.setdefault("OMPI_ALLOW_RUN_AS_ROOT", "1")
    os.environ.setdefault("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="state")  # not of whoever runs the tests
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)

# Hundreds of programs start, in a third of the time: no daemon, and no search for a network.
os.environ.setdefault("OMPI_MCA_ess_singleton_isolated", "1")
os.environ.setdefault("OMPI_MCA_pml", "ob1")

# Tests that run side by side: MPI processes share cores, and singletons need folders of their own.
if "PYTEST_XDIST_WORKER" in os.environ:
    # What MPI left in the environment of the process that started this one is not meant for others.
    for name in ("ess", "pmix", "orte_ess_num_procs", "orte_precondition_transports"):
        os.environ.pop(f"OMPI_MCA_{name}", None)
    os.environ.pop("OMPI_APP_CTX_NUM_PROCS", None)
    os.environ["OMPI_MCA_mpi_yield_when_idle"] = "1"  # noqa: SIM112 (its own name)
    os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="t")
    atexit.register(shutil.rmtree, os.environ["TMPDIR"], ignore_errors=True)
    tempfile.tempdir = None


#: Where a clock decides what happens: budgets, accounts, watchdogs, jobs.
TIMED = ("conformance/test_faults", "slurm/", "farm/test_isolated", "benchmarks/test_overhead")
TIMED += ("petsc/builds/", "petsc/test_launch", "petsc/test_plugin_agrees", "petsc/test_replay")
TIMED += ("petsc/plugin/test_state", "petsc/plugin/test_prior")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests in which a clock decides."""
    for item in items:
        place = item.path.relative_to(ROOT / "tests").as_posix()
        if place.startswith(TIMED):
            item.add_marker("timed")


@dataclass(frozen=True)
class Solve:
    """One `solve ...` line of a host program; `residual` is true and relative to the norm of b."""

    index: int
    reason: int
    iterations: int
    residual: float
    norm: float
    prefix: str


def solves(output: str) -> list[Solve]:
    """Return the solves that a host program printed, in order."""
    return [
        Solve(
            int(line["index"]),
            int(line["reason"]),
            int(line["iterations"]),
            float(line["residual"]),
            float(line["norm"]),
            "" if line["prefix"] == "-" else line["prefix"],
        )
        for line in SOLVE.finditer(output)
    ]


def on_ranks(command: Sequence[str | Path], ranks: int) -> list[str]:
    """Return `command` as run on that many ranks; one rank needs no launcher."""
    words = [str(word) for word in command]
    if ranks == 1:
        return words
    launcher = shutil.which("mpiexec")
    if launcher is None:
        pytest.skip("mpiexec is not installed")
    version = subprocess.run([launcher, "--version"], capture_output=True, text=True, check=False)
    # Open MPI refuses more ranks than cores unless told; others do not know the flag.
    oversubscribe = ["--oversubscribe"] if re.search("OpenRTE|Open MPI", version.stdout) else []
    return [launcher, *oversubscribe, "-n", str(ranks), *words]


def run_group(
    command: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
    ranks: int = 1,
    timeout: float = 120.0,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; on a timeout kill it with all it started, and fail the test.

    `env` is added to the environment of the tests. The exit code is the caller's to check.
    An environment is always given: an MPI that the tests themselves use leaves variables in the
    process that Python does not see, and an mpiexec that inherits them ends without a word.
    """
    words = on_ranks(command, ranks)
    process = subprocess.Popen(
        words,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except BaseException as stop:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        if not isinstance(stop, subprocess.TimeoutExpired):
            raise
        pytest.fail(f"{words} ran for more than {timeout} s\n{stdout[-2000:]}\n{stderr[-2000:]}")
    return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)


@pytest.fixture(scope="session")
def run_program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run_program(command, env=None, ranks=1, timeout=120, cwd=None)`, see run_group."""
    return run_group


@pytest.fixture(scope="session")
def parse_solves() -> Callable[[str], list[Solve]]:
    """`parse_solves(stdout)`: the solves that a host printed."""
    return solves


@pytest.fixture(scope="session")
def ranks() -> Callable[[Sequence[str | Path], int], list[str]]:
    """`ranks(command, n)`: the command under mpiexec."""
    return on_ranks


@pytest.fixture(scope="session")
def venv_python() -> str:
    """The interpreter that runs the tests, for programs written in Python."""
    return sys.executable


def petsc_pkg_config() -> dict[str, str]:
    """Return the environment in which pkg-config finds the PETSc that petsc4py uses."""
    config = pytest.importorskip("petsc4py").get_config()
    folder = Path(config.get("PETSC_DIR", ""), config.get("PETSC_ARCH", ""), "lib", "pkgconfig")
    if not (folder / "PETSc.pc").is_file():
        return dict(os.environ)
    paths = [str(folder), *filter(None, [os.environ.get("PKG_CONFIG_PATH")])]
    return {**os.environ, "PKG_CONFIG_PATH": os.pathsep.join(paths)}


# Whatever other PETSc is installed: programs and plug-in are built for the one that petsc4py uses.
if importlib.util.find_spec("petsc4py"):
    os.environ.update(petsc_pkg_config())


def build(command: Sequence[str], env: Mapping[str, str], cwd: Path | None = None) -> None:
    """Run a compiler or make; fail the test with what it said."""
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """`host(name)`: the command of a program of tests/hosts, built when first asked for."""
    folder = tmp_path_factory.mktemp("hosts")

    def command(name: str) -> list[str]:
        script = HOSTS / f"{name}.py"
        if script.is_file():
            return [sys.executable, str(script)]
        need_compiler(".F90" if (HOSTS / f"{name}.F90").is_file() else ".c")
        binary = folder / name
        build(["make", "-s", "-C", str(HOSTS), f"BUILD={folder}", str(binary)], petsc_pkg_config())
        return [str(binary)]

    return command


@pytest.fixture(scope="session")
def solver_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """`solver_program(name)`: the command of a program of solvers/, built by its own Makefile."""
    folder = tmp_path_factory.mktemp("solvers")

    def command(name: str) -> list[str]:
        source, copy = ROOT / "solvers" / name, folder / name
        need_compiler(".F90" if list(source.glob("*.F90")) else ".c")
        if not copy.exists():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns(name))
        build(["make", "-s", "-C", str(copy)], petsc_pkg_config())
        return [str(copy / name)]

    return command


@pytest.fixture(scope="session")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """`tutorial("ksp/ex2")`: the command of one of PETSc's own tutorials, compiled unmodified.

    `snes/ex19`, `ts/ex13` and the Fortran `ksp/ex2f` are named the same way.
    """
    folder = tmp_path_factory.mktemp("tutorials")

    def command(name: str) -> list[str]:
        binary = folder / name.replace("/", "_")
        if not binary.exists():
            compile_program(tutorial_source(name), binary)
        return [str(binary)]

    return command


def tutorial_source(name: str) -> Path:
    """Return the source of tutorial `package/exN` where this PETSc's examples are installed."""
    package, stem = name.split("/")
    config = pytest.importorskip("petsc4py").get_config()
    version = ".".join(pkg_config("--modversion")[0].split(".")[:2])
    roots = [Path(config.get("PETSC_DIR") or "/nowhere"), Path("/usr/share/petsc") / version]
    inside = {"ksp": "ksp/ksp", "pc": "ksp/pc"}.get(package, package)
    for root in roots:
        for sources in (root / "src", *root.glob("share/petsc/examples/src")):
            for suffix in (".c", ".F90"):
                source = sources / inside / "tutorials" / f"{stem}{suffix}"
                if source.is_file():
                    return source
    pytest.skip(f"the source of PETSc's tutorial {name} is not installed")


def compile_program(source: Path, binary: Path) -> None:
    """Compile one C or Fortran source against the PETSc that petsc4py uses."""
    compiler = need_compiler(source.suffix)
    language = ["-ffree-line-length-none"] if compiler == "mpifort" else []
    arguments = [*language, *pkg_config("--cflags"), "-O1", "-w", str(source)]
    folders = [f"-Wl,-rpath,{folder}" for folder in pkg_config("--variable=libdir")]
    libraries = [*pkg_config("--libs"), *folders, "-lm"]
    # Fortran's .mod files go to the working directory.
    build([compiler, *arguments, *libraries, "-o", str(binary)], petsc_pkg_config(), binary.parent)


def need_compiler(suffix: str) -> str:
    """Return the compiler of a source; skip the test where it or PETSc's part in it is missing."""
    name, variable = {".c": ("mpicc", "ccompiler"), ".F90": ("mpifort", "fcompiler")}[suffix]
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    if not pkg_config(f"--variable={variable}"):
        pytest.skip(f"this PETSc was built without {variable}")
    return name


def pkg_config(query: str) -> list[str]:
    """Return what pkg-config answers about the PETSc that petsc4py uses."""
    if shutil.which("pkg-config") is None:
        pytest.skip("pkg-config is not installed")
    command = ["pkg-config", query, "PETSc"]
    return subprocess.run(
        command, env=petsc_pkg_config(), capture_output=True, text=True, check=True
    ).stdout.split()
