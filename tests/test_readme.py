"""What the README tells people to type works, with a small program in the place of theirs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from metasolve.cli.main import NAMES

pytest.importorskip("petsc4py")
ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"(?:^ {4}\S.*\n(?: {4}.*\n|\n(?= {4}))*)+", README, re.MULTILINE)
LINES = [line.strip() for block in BLOCKS for line in block.splitlines() if line.strip()]
SHELL = [line for line in LINES if re.match(r"(mpiexec .*)?metasolve ", line)]
PYTHON = [line for line in LINES if re.match(r"import |metasolve\.", line)]
TARGETS = [line.split()[1] for line in LINES if line.startswith("make ")]
FEW_CALLS = 16

KSP = """
from petsc4py import PETSc
A = PETSc.Mat().createAIJ([64, 64], nnz=3)
for i in range(64):
    A.setValue(i, i, 2.1)
    for j in {max(i - 1, 0), min(i + 1, 63)} - {i}:
        A.setValue(i, j, -1.0)
A.assemble()
ksp = PETSc.KSP().create()
ksp.setOperators(A)
ksp.setFromOptions()
b, x = A.createVecs()
b.set(1.0)
"""
SOLVE = """
ksp.solve(b, x)
assert (b - A * x).norm() <= 1e-5 * b.norm()
"""


@pytest.fixture
def workplace(host, tmp_path, monkeypatch):
    """A folder in which ./legacy_app is a program of PETSc, and metasolve is in the PATH."""
    if shutil.which("mpicc") is None or shutil.which("mpiexec") is None:
        pytest.skip("programs are compiled and started by MPI's tools")
    if not Path(sys.executable).with_name("metasolve").exists():
        pytest.skip("metasolve is not installed next to this interpreter")
    (tmp_path / "legacy_app").symlink_to(host("two_ksps")[0])
    folders = [str(Path(sys.executable).parent), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(folders))
    monkeypatch.setenv("OMPI_MCA_rmaps_base_oversubscribe", "1")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def smaller(line):
    """The same command for a machine of two cores and a reader in a hurry."""
    words = re.sub(r"mpiexec -n \d+", "mpiexec -n 2", line).partition(" #")[0].split()
    return [*words, "--calls", str(FEW_CALLS)] if "train" in words else words


def test_the_commands_of_the_first_screen_run_one_after_the_other(workplace, run_program):
    assert [re.search(r"metasolve (\w+)", line)[1] for line in SHELL] == [
        "run",
        "report",
        "record",
        "train",
        "run",
    ]
    said = ""
    for line in SHELL:
        done = run_program(smaller(line), timeout=240)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        said += done.stdout + done.stderr
    assert "systems recorded" in said
    assert "1 run, 4 solves" in " ".join(said.split())
    assert "models/beam" in said
    assert re.search(r"4 solves: .*(model|refused)", said)


@pytest.mark.skipif(os.getuid() != 0, reason="Open MPI refuses nobody but root")
@pytest.mark.skipif(shutil.which("mpiexec") is None, reason="mpiexec is not installed")
def test_what_open_mpi_wants_of_root_is_in_the_manual():
    words = ["mpiexec", "-n", "1", "true"]
    clean = {name: x for name, x in os.environ.items() if "RUN_AS_ROOT" not in name}
    refused = subprocess.run(words, env=clean, capture_output=True, text=True, check=False)
    if "root" not in refused.stderr:
        pytest.skip("an mpiexec that does not mind root")
    page = (ROOT / "docs" / "how-to" / "troubleshooting.md").read_text()
    section = page.partition("## mpiexec refuses root")[2].partition("\n## ")[0]
    told = dict(re.findall(r"(\w*RUN_AS_ROOT\w*)=(\w+)", section))
    assert set(re.findall(r"\w*RUN_AS_ROOT\w*(?==)", refused.stderr)) == set(told)
    subprocess.run(words, env={**clean, **told}, check=True)


def test_the_python_example_runs(workplace):
    few = f'out="models/app", calls={FEW_CALLS})'
    example = "\n".join(PYTHON).replace('out="models/app")', few)
    assert few in example
    done = subprocess.run(
        [sys.executable, "-c", KSP + example + SOLVE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_command_named_exists():
    named = set(re.findall(r"`metasolve ([\w-]+)`", README)) | {
        line.split()[1] for line in SHELL[:1]
    }
    assert named <= set(NAMES)


def test_every_target_named_exists():
    makefile = (ROOT / "Makefile").read_text()
    assert TARGETS
    for target in [*TARGETS, *re.findall(r"`make (\w[\w-]*)`", README)]:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_link_leads_somewhere():
    links = [link for link in re.findall(r"\]\(([^)#]+)", README) if "://" not in link]
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize("command", ["doctor", "version"])
def test_a_command_that_needs_nothing_runs(workplace, command):
    done = subprocess.run(["metasolve", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
