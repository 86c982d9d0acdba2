"""The commands of the tutorial and the how-tos run as they are written, with fewer calls."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from metasolve.cli.main import NAMES
from metasolve.production import journal

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
TUTORIAL = (DOCS / "tutorial.md").read_text()
COMMAND = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
#: Fewer systems, fewer calls: what a reader in a hurry would type.
LESS = {"24": "6", "8": "2", "200": "40"}


def commands(text):
    """Commands of the indented blocks, each in one line; a fence holds output."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return COMMAND.findall(re.sub(r"\\\n *", "", text))


def smaller(line):
    words = shlex.split(line, comments=True)
    numbers = "draw.py" in line or "--calls" in line
    return shlex.join(LESS.get(word, word) if numbers else word for word in words).replace(
        "'>'", ">"
    )


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder like a clone after `make setup`: its programs, its problems, its PATH."""
    pytest.importorskip("petsc4py")
    if shutil.which("mpicc") is None:
        pytest.skip("the program is compiled")
    if not Path(sys.executable).with_name("metasolve").exists():
        pytest.skip("metasolve is not installed next to this interpreter")
    shutil.copytree(
        ROOT / "solvers" / "convection_diffusion", tmp_path / "solvers/convection_diffusion"
    )
    (tmp_path / "problems").symlink_to(ROOT / "problems")
    folders = [str(Path(sys.executable).parent), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(folders))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line):
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, timeout=300
    )


TYPED = [line for line in commands(TUTORIAL) if not line.startswith(("make setup", "source "))]


def candidates(text):
    """What stands in the first column of the table that a training ends with."""
    rows = text.partition("candidates on validation instances")[2].partition("└")[0]
    found = re.findall(r"^│ (\S.*?) +│", rows, re.MULTILINE)
    return {name.removesuffix(" (chosen)") for name in found}


def shown_line():
    return json.loads(re.search(r"```json\n(.*?)```", TUTORIAL, re.DOTALL)[1])


def test_every_candidate_that_is_shown_is_explained():
    shown = candidates(TUTORIAL)
    assert {"host default", "policy"} <= shown
    assert shown == set(re.findall(r"^- `(.+?)`:", TUTORIAL, re.MULTILINE))


@pytest.mark.slow
def test_the_tutorial_runs_from_the_first_line_to_the_last(clone):
    """What it prints has the form of what is shown."""
    told = {}
    for line in TYPED:
        done = run(smaller(line))
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        told[line] = done.stdout + done.stderr
    said = [told[line] for line in TYPED]
    assert "all found" in said[0]
    assert "CONVERGED_RTOL" in said[4]
    assert "6 systems recorded; runs/tutorial now holds 6 (6 different operators)" in said[5]
    assert "model: models/tutorial" in said[6]
    assert candidates(said[6]) <= candidates(TUTORIAL)
    assert "0 wrong results" in said[8]
    assert re.search(r"2 solves: .*; log: tutorial.jsonl", said[9])
    lines = list(journal.read(Path("tutorial.jsonl")))
    assert [line["source"] == "run" for line in lines] == [True, False, False]
    assert shown_line().keys() <= lines[1].keys()
    assert re.search(r"1 solve: 1 refused \[", said[10])


def test_the_tutorial_is_what_was_counted_on():
    program = "solvers/convection_diffusion/convection_diffusion"
    assert sum(program in line for line in TYPED) == 5
    assert [line.split()[1] for line in TYPED if line.startswith("metasolve")] == [
        "doctor", "record", "train", "record", "evaluate", "run", "run",
    ]  # fmt: skip


@pytest.mark.parametrize("petsc", ["/opt/none", None])
def test_a_job_starts_where_no_plug_in_can_be_made(clone, monkeypatch, petsc):
    """As the page says it: `metasolve run` does not start the program, these lines do."""
    if petsc:
        monkeypatch.setenv("METASOLVE_PETSC_DIR", petsc)
    monkeypatch.delenv("PETSC_OPTIONS", raising=False)
    page = (DOCS / "how-to" / "production.md").read_text()
    lines = re.search(r"^    added=.*\n    srun .*$", page, re.MULTILINE)[0]
    shown = run("set -e\n" + lines.replace("srun ./app", "sh -c 'echo \"<$PETSC_OPTIONS>\"'"))
    assert shown.returncode == 0, shown.stderr
    assert ("<>" in shown.stdout, "libmetasolve.so" in shown.stdout) == (bool(petsc), not petsc)
    ran = run("metasolve run -- echo started")
    assert (ran.returncode, ran.stdout) == ((1, "") if petsc else (0, "started\n"))


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_every_command_named_exists(path):
    named = re.findall(r"(?:^ {4}|`|-- )metasolve ([a-z][\w-]*)", path.read_text(), re.MULTILINE)
    assert set(named) <= set(NAMES)


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_every_option_named_exists(path):
    """Words of commands that begin with a dash, before the program's own."""
    for line in commands(path.read_text()):
        for name, words in re.findall(r"metasolve ([a-z][\w-]*)((?: [^|>;&)\n#]+)?)", line):
            asked = re.findall(r"(?<= )--[a-z][\w-]*", words.partition(" -- ")[0])
            missing = [word for word in asked if word not in helped(name)]
            assert name not in NAMES or missing == [], line


def helped(name, known={}):  # noqa: B006 (a cache)
    if name not in known:
        done = subprocess.run(
            [sys.executable, "-m", "metasolve", name, "--help"],
            capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip
        known[name] = done.stdout
    return known[name]
