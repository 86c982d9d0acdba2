"""What a program asks of its preconditioner past every hook is answered as without us."""

import subprocess
import sys
from pathlib import Path

import pytest

from metasolve.errors import PluginError
from metasolve.petsc import installation


@pytest.fixture
def model(constant_model):
    """Own settings are expected to take so long that a busy machine does not use up the budget."""
    return constant_model(seconds=10.0, ksp_type="gmres", pc_type="jacobi")


def answers(done):
    """What was asked and printed, beside the lines about solves."""
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("solve ")]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("settings", ["-pc_type gamg", "-pc_type gamg -pc_gamg_coarse_eq_limit 20"])
def test_levels_are_there_whoever_solved(settings, ranks, host, model, run_with, run_program):
    command = [*host("levels"), *settings.split(), "-ask", "levels"]
    own = answers(run_program(command, ranks=ranks))
    done, lines = run_with(model, command, ranks)
    assert answers(done) == own
    assert any(line.startswith("coarse solver") for line in own)
    assert [line["source"] for line in lines] == ["model"] * 3


def test_blocks_are_there_on_one_rank_alone(host, model, run_with, run_program):
    """The others would not come to a set-up that waited."""
    command = [*host("levels"), "-pc_type", "bjacobi", "-ask", "block"]
    own = answers(run_program(command, ranks=2))
    done, lines = run_with(model, command, 2)
    assert answers(done) == own == ["1 blocks of ilu"] * 3
    assert [line["source"] for line in lines] == ["model"] * 3


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_library_that_is_loaded_later_counts(ranks, host, model, run_with, run_program):
    (program,) = host("levels_late")
    library = f"{program.rpartition('/')[0]}/libasks.so"
    command = [program, "-pc_type", "gamg", "-pc_gamg_reuse_interpolation", "0"]
    command += ["-library", library]
    own = answers(run_program(command, ranks=ranks))
    done, lines = run_with(model, command, ranks)
    assert answers(done) == own
    assert len(own) == 6
    assert [line["source"] for line in lines] == ["model"] * 3


@pytest.mark.parametrize(
    ("name", "kind", "ranks", "waits"),
    [
        ("levels", "gamg", 1, False),
        ("levels", "ilu", 1, True),
        ("levels", "bjacobi", 1, True),
        ("levels", "bjacobi", 2, False),
        ("levels_late", "gamg", 1, True),
        ("levels_late", "bjacobi", 2, True),
    ],
)
def test_only_what_may_be_asked_is_set_up(name, kind, ranks, waits, host, model, run_with):
    command = [*host(name), "-pc_type", kind, "-ksp_view"]
    done, _ = run_with(model, command, ranks)
    assert ("not set up so far: metasolve" in done.stdout) == waits


LEVELS = """
import sys
import petsc4py
petsc4py.init(sys.argv)
from petsc4py import PETSc
n = 30
A = PETSc.Mat().createAIJ(n * n, nnz=5)
for i in range(*A.getOwnershipRange()):
    A[i, i] = 4
    for j in (i - 1, i + 1, i - n, i + n):
        if 0 <= j < n * n:
            A[i, j] = -1
A.assemble()
x, b = A.createVecs()
b.set(1)
for call in (
    "getMGSmoother(1).getOperators()[0].norm()",
    "getMGSmootherUp(1).type",
    "getMGSmootherDown(1).type",
    "getMGCoarseSolve().getOperators()[0].size",
    "getMGInterpolation(1).norm()",
    "getMGRestriction(1).norm()",
    "getMGRScale(1).norm()",
    "setMGCycleTypeOnLevel(1, 1)",
    "setMGCycleType(1)",
):
    ksp = PETSc.KSP().create()
    ksp.setOptionsPrefix(call[:-3] + "_")  # a class for each
    ksp.setOperators(A)
    ksp.getPC().setType("gamg")
    ksp.solve(b, x)
    found = eval("ksp.getPC()." + call)
    if A.comm.rank == 0:
        print(call, found, flush=True)
    ksp.destroy()
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_petsc4py_programs_find_levels_too(ranks, model, tmp_path, run_with, run_program):
    """The set-up waits, and is done for whichever of the calls comes first."""
    (tmp_path / "levels.py").write_text(LEVELS)
    command = [sys.executable, str(tmp_path / "levels.py")]
    own = answers(run_program(command, ranks=ranks))
    done, lines = run_with(model, command, ranks)
    assert answers(done) == own
    assert [line["source"] for line in lines] == ["model"] * 9


CENSUS = """
import ctypes, sys
from petsc4py import PETSc
finds = ctypes.CDLL(sys.argv[1]).CensusFinds
setup = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda pc: 0)
for name in ["libc.so.6", *sys.argv[2:]]:
    ctypes.CDLL(name, mode=ctypes.RTLD_LOCAL)
    types = (b"gamg", b"asm", b"ilu", b"mg", b"m")
    print(*(bool(finds(type, several, setup)) for type in types for several in (0, 1)))
"""


@pytest.fixture(scope="module")
def census(tmp_path_factory):
    """The census without the rest of the plug-in, as a library."""
    try:
        found = installation.find()
        found.check()
    except PluginError as error:
        pytest.skip(str(error))
    library = tmp_path_factory.mktemp("census") / "census.so"
    folder = Path(installation.__file__).parent / "plugin"
    words = [*found.compiler, "-shared", "-fPIC", "-std=gnu11", "-w", *found.cflags]
    words += [str(folder / "census.c"), str(folder / "reroute.c"), "-o", str(library), *found.libs]
    subprocess.run(words, check=True, capture_output=True)
    return library


def importing(symbol, library):
    """Make a library that calls one function."""
    source = library.with_suffix(".c")
    declared = f"__attribute__((weak)) int {symbol}(void);\n"
    source.write_text(f"{declared}int call(void) {{ return {symbol}(); }}\n")
    command = ["mpicc", "-shared", "-fPIC", str(source), "-o", str(library)]
    subprocess.run(command, check=True, capture_output=True)
    return library


IMPORTED = [
    ("PCMGGetSmootherUp", [1, 1, 0, 0, 0, 0, 1, 1, 0, 0]),
    ("PCMGSetRhs", [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
    ("pcmggetinterpolation_", [1, 1, 0, 0, 0, 0, 1, 1, 0, 0]),
    ("pcasmgetsubksp1_", [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ("PCFactorGetMatrix", [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
    ("PCMGGetSmootherNot", [0] * 10),
    ("PCSetType", [0] * 10),
]


@pytest.mark.parametrize(("symbol", "expected"), IMPORTED)
def test_names_are_found_in_c_and_fortran_and_not_those_of_petsc4py(
    symbol, expected, census, tmp_path, run_program
):
    """petsc4py imports them all, in the same process, and its calls are led elsewhere."""
    library = importing(symbol, tmp_path / "imports.so")
    done = run_program([sys.executable, "-c", CENSUS, str(census), str(library)])
    lines = [[word == "True" for word in line.split()] for line in done.stdout.splitlines()]
    assert lines == [[False] * 10, [bool(each) for each in expected]], done.stderr


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [("PCFactorGetMatrix", [0] * 10), ("PCMGSetRhs", [1, 1, 0, 0, 0, 0, 0, 0, 0, 0])],
)
def test_slepc_asks_for_factors_by_all_ranks_together(
    symbol, expected, census, tmp_path, run_program
):
    """dolfinx links it: a factorisation would never wait on several ranks."""
    library = importing(symbol, tmp_path / "libslepc_real.so.3.18")
    done = run_program([sys.executable, "-c", CENSUS, str(census), str(library)])
    last = [word == "True" for word in done.stdout.splitlines()[-1].split()]
    assert last == [bool(each) for each in expected], done.stderr
