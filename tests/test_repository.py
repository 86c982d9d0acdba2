"""Laws about the repository itself."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEGACY = [ROOT / "solvers", ROOT / "problems", ROOT / "tests" / "hosts"]
TARGETS = ["help", "setup", "demo", "prior", "test", "test-slow", "fuzz", "test-latest"]
TARGETS += [
    "test-builds",
    "test-64",
    "browser",
    "test-slurm",
    "test-sanitized",
    "conformance",
    "coverage",
    "bench-overhead",
]
TARGETS += ["lint", "docs", "clean"]


def sources(*folders, suffixes):
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and (path.suffix in suffixes or path.name == "Makefile")
    )


def python_files():
    return sorted([*(ROOT / "metasolve").rglob("*.py"), *(ROOT / "tests").rglob("*.py")])


def named(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(ROOT)))


@named(sources(*LEGACY, suffixes={".c", ".h", ".F90", ".py", ".toml", ".md"}))
def test_legacy_programs_do_not_know_us(path):
    assert "metasolve" not in path.read_text().lower()


@named(python_files())
def test_modules_are_short(path):
    assert len(path.read_text().splitlines()) <= 300


@named(python_files())
def test_nothing_read_back_can_run_code(path):
    modules = "pickle|cPickle|dill|cloudpickle|joblib|shelve|marshal"
    imports = re.compile(rf"^\s*(import|from)\s+({modules})\b", re.MULTILINE)
    calls = re.compile(r"\btorch\.(load|save)\(|allow_pickle\s*=\s*True|shell\s*=\s*True")
    assert not imports.search(path.read_text())
    if path != Path(__file__).resolve():  # it names the calls it looks for
        assert not calls.search(path.read_text())


@named(sorted((ROOT / "metasolve").rglob("*.py")))
def test_no_module_is_named_after_a_drawer(path):
    assert path.stem not in {"utils", "util", "helpers", "common", "base", "manager", "misc"}


def test_only_the_library_is_installed():
    text = (ROOT / "pyproject.toml").read_text()
    assert 'include = ["metasolve", "metasolve.*"]' in text
    for files in ("plugin/*.c", "plugin/*.h", "plugin/loader/*.c", "plugin/loader/*.h"):
        assert f'"{files}"' in text


def test_readme_says_what_it_is_on_one_screen():
    text = (ROOT / "README.md").read_text()
    before_the_details = text.split("\n## Details", maxsplit=1)[0]
    assert len(before_the_details.splitlines()) <= 50
    for command in ("metasolve record", "metasolve train", "metasolve run", "make demo"):
        assert command in before_the_details


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_help_lists_every_target():
    done = subprocess.run(
        ["make", "-s", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True
    )
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert listed == TARGETS


@pytest.mark.parametrize("name", ["convection_diffusion", "heat"])
def test_a_case_draws_the_same_instances_for_the_same_seed(name, venv_python):
    command = [venv_python, ROOT / "problems" / "draw.py", ROOT / "problems" / name / "case.toml"]
    first, again, other = (
        subprocess.run(
            [*command, "16", "--seed", seed], capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "1", "2")
    )
    assert len(first.splitlines()) == 16
    assert first == again
    assert first != other
