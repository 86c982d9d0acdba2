"""The plug-in's readers under mutated files, watched by sanitizers; what they refuse, and why."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from metasolve.errors import PluginError
from metasolve.model.allowed import allowed, table
from metasolve.model.pinned import pin, sealed_text
from metasolve.model.policy_file import policy_text
from metasolve.petsc import installation
from metasolve.petsc.compiled import SOURCES

from .conftest import SPACE, learned_model
from .mutations import COUNT

SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1", "-g1")
FEW = 2000
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def readers(tmp_path_factory):
    """`readers(what, example, scratch, count, seed)`: the finished driver."""
    try:
        found = installation.find()
        found.check()
    except PluginError as error:
        pytest.skip(str(error))
    sources = [Path(__file__).with_name("readers.c"), *sorted(SOURCES.glob("*.*"))]
    given = [str(path) for path in sources if path.suffix == ".c"]
    given = [path for path in given if not path.endswith("basis_file.c")]  # it is included
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-w", *SANITIZE, *found.cflags]
    links = ["-Wl,--copy-dt-needed-entries", *found.libs, "-lm"]
    digest = hashlib.sha256(repr((found.compiler, flags, links)).encode())
    for path in sources:
        digest.update(path.read_bytes())
    driver = ROOT / "build" / "fuzz" / digest.hexdigest()[:16] / "readers"
    if not driver.exists():
        made = tmp_path_factory.mktemp("readers") / "readers"
        command = [*found.compiler, *flags, *given, "-o", str(made), *links]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode and "sanitize" in built.stderr:
            pytest.skip("this compiler has no sanitizers")
        assert built.returncode == 0, built.stderr[-3000:]
        driver.parent.mkdir(parents=True, exist_ok=True)
        partial = driver.with_name(f"{driver.name}.{os.getpid()}")
        shutil.copy2(made, partial)
        partial.replace(driver)

    def run(*words, env=None, stdin=""):
        quiet = {"ASAN_OPTIONS": "detect_leaks=0", "METASOLVE_INPUTS": "0.5,1e-1", "LC_ALL": "C"}
        return subprocess.run(
            [str(driver), *map(str, words)],
            input=stdin,
            env={**os.environ, **quiet, **(env or {})},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def examples(tmp_path_factory, readers, guess_file, newton_file):
    """A directory with a valid file of each kind."""
    from metasolve.petsc.library import plugin

    version, folder = installation.find().version, tmp_path_factory.mktemp("examples")
    (folder / "policy.txt").write_text(policy_text(learned_model(plugin().names, version)))
    pin(folder / "pinned", {"pc_type": "sor", "pc_sor_omega": "1.5"})
    (folder / "guess.bin").write_bytes(guess_file)
    (folder / "newton.bin").write_bytes(newton_file)
    return folder


@pytest.mark.parametrize("name", ["policy.txt", "pinned/policy.txt", "guess.bin", "newton.bin"])
def test_no_mutation_harms_the_program(readers, examples, tmp_path, name):
    done = readers(Path(name).name, examples / name, tmp_path, COUNT or FEW, 1)
    assert done.returncode == 0, f"{done.stdout[-500:]}{done.stderr[-3000:]}"
    assert " refused" in done.stdout


@pytest.mark.parametrize("name", ["guess.bin", "newton.bin"])
@pytest.mark.parametrize("place", [20, 40, -300, -1])
def test_every_byte_of_a_start_is_under_its_checksum(readers, examples, tmp_path, name, place):
    data = bytearray((examples / name).read_bytes())
    data[place] ^= 1
    (tmp_path / name).write_bytes(data)
    done = readers(name, tmp_path, tmp_path, 0, 1)
    assert "run metasolve guess again" in done.stdout


@pytest.mark.parametrize("name", ["policy.txt", "guess.bin", "newton.bin"])
def test_a_directory_in_place_of_a_file_is_said(readers, tmp_path, name):
    (tmp_path / name).mkdir()
    done = readers(name, tmp_path, tmp_path, 0, 1)
    assert name in done.stdout
    assert done.stdout.count("\n") == 1


# --- settings -------------------------------------------------------------------------------------

VALUES = (
    *(
        "sor",
        "SOR",
        "gmres",
        "preonly",
        "none",
        "python",
        "shell",
        "0",
        "1",
        "2",
        "1.5",
        "-1",
        "nan",
    ),
    *(
        "inf",
        "0x10",
        "1e3",
        "0.1,0.2",
        "1,2,3,4,5",
        "1,",
        ",1",
        "+1",
        ".5",
        "5.",
        "1e999",
        "V",
        "|",
    ),
)
PREFIXES = ("", "sub_", "mg_levels_", "mg_levels_2_", "mg_levels_x_", "mg_coarse_sub_", "other_")
NOT_THERE = ("ksp_view", "pc_python_type", "log_view", "pc_typ", "options_file", "mat_view")


def test_the_plug_in_and_python_allow_the_same(readers, tmp_path):
    pairs = [(p + n, v) for p in PREFIXES for n in (*table(), *NOT_THERE) for v in VALUES]
    lines = "".join(f"{name} {value}\n" for name, value in pairs)
    told = readers("settings", tmp_path, tmp_path, 0, 1, stdin=lines).stdout.split()
    expected = [str(int(allowed(*pair) == pair[1])) for pair in pairs]
    assert set(told) == {"0", "1"}
    assert [pair for pair, a, b in zip(pairs, told, expected, strict=True) if a != b] == []


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("fixed ksp_lag_norm 1", "fixed ksp_view_solution ascii:x", "ksp_view_solution"),
        ("sor gamg symmetric", "shell gamg symmetric", "shell"),
        ("flag pc_gamg_repartition", "flag ksp_monitor", "ksp_monitor"),
        ("real pc_sor_omega 8 log 0.2 1.9", "real pc_sor_omega 8 log 0.2 5", "pc_sor_omega"),
        ("integer pc_sor_its", "integer pc_sor_lots", "pc_sor_lots"),
    ],
)
def test_a_learned_policy_is_held_to_the_table(readers, examples, tmp_path, old, new, why):
    body = (examples / "policy.txt").read_text().rpartition("sha256 ")[0]
    if old.startswith("real"):
        old = f"real pc_sor_omega {SPACE.offset('pc_sor_omega')} log 0.2 1.9"
        new = old.replace("1.9", "5")
    assert old in body
    (tmp_path / "policy.txt").write_text(sealed_text([body.replace(old, new).rstrip("\n")]))
    said = readers("policy.txt", tmp_path, tmp_path, 0, 1).stdout
    assert why in said
    assert "policy.txt" in said


def test_a_guess_is_held_to_the_table(readers, tmp_path, guess_file):
    from metasolve.guess.checksum import sealed

    data = guess_file[24:].replace(b"pc_type icc", b"ksp_view ab")
    (tmp_path / "guess.bin").write_bytes(sealed(guess_file[:16], data))
    assert "'ksp_view'" in readers("guess.bin", tmp_path, tmp_path, 0, 1).stdout


# --- locales --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def comma(tmp_path_factory):
    """The environment of a program that writes 1,5."""
    folder = tmp_path_factory.mktemp("locales")
    if not shutil.which("localedef"):
        pytest.skip("no localedef here")
    command = ["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no such locale here")
    return {"LOCPATH": str(folder), "LC_ALL": "de_DE.UTF-8"}


@pytest.mark.parametrize("name", ["policy.txt", "newton.bin"])
def test_the_programs_locale_is_its_own_affair(readers, examples, tmp_path, comma, name):
    done = readers(name, examples / name, tmp_path, 20, 1, env=comma)
    assert done.returncode == 0, done.stderr[-2000:]
    said = readers("policy.txt", examples, tmp_path, 0, 1, env=comma).stdout
    assert said == "read\n"


def test_the_checksum_in_c_is_that_of_the_writer(readers, examples, tmp_path):
    for name in ("guess.bin", "newton.bin"):
        assert readers(name, examples, tmp_path, 0, 1).stdout == "read\n"
