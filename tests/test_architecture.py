"""Laws of the house: who may import whom, and what must be importable without PETSc."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: From the ground up: a floor imports from itself and from those before it.
FLOORS = (
    "errors",
    "files",
    "solve",
    "space",
    "gradient",
    "optim",
    "model",
    "guess",
    "prior",
    "farm",
    "train",
    "petsc",
    "production",
    "baselines",
    "report",
    "program",
    "recorded",
    "family",
    "scaling",
    "cli",
)
#: Never import petsc4py.
LEARNING = ("solve", "space", "gradient", "optim", "model", "guess", "prior", "farm", "train")


def _name(file):
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(file): file for file in sorted((ROOT / "metasolve").rglob("*.py"))}


def _imports(name):
    """What a module imports, function bodies included: modules of ours in full, others as named."""
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = [f"{node.module}.{each.name}" for each in node.names]
            yield from (each if each in MODULES else node.module for each in inside)


IMPORTS = {name: set(_imports(name)) for name in MODULES}
ARROWS = {name: {n for n in IMPORTS[name] if n in MODULES and n != name} for name in MODULES}


def _floor(name):
    return name.split(".")[1]


def test_nobody_imports_upwards():
    # The public names, how they are started, and the package that is a public function as well.
    roofs = ("metasolve", "metasolve.__main__", "metasolve.train")
    upwards = [
        f"{name} imports {other}"
        for name in set(MODULES) - set(roofs)
        for other in ARROWS[name] - {"metasolve"}
        if FLOORS.index(_floor(other)) > FLOORS.index(_floor(name))
    ]
    assert upwards == []


def test_no_two_modules_import_each_other_at_any_distance():
    try:
        TopologicalSorter({n: ARROWS[n] - {"metasolve"} for n in MODULES}).prepare()
    except CycleError as circle:
        pytest.fail(" <- ".join(circle.args[1]))


def test_every_package_is_a_floor():
    folders = {each.parent.name for each in (ROOT / "metasolve").glob("*/__init__.py")}
    assert folders | {"errors"} == set(FLOORS)
    loose = {file.stem for file in (ROOT / "metasolve").glob("*.py")}
    assert loose == {"__init__", "__main__", "errors"}


@pytest.mark.parametrize("package", LEARNING)
def test_learning_does_without_petsc4py(package):
    inside = [name for name in MODULES if _floor(f"{name}.") == package]
    code = "import sys\nsys.modules['petsc4py'] = None\n" + "".join(f"import {n}\n" for n in inside)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [name for name in inside if "petsc4py" in IMPORTS[name]] == []


def test_the_product_needs_no_benchmark():
    assert not [n for n in MODULES if any(i.split(".")[0] == "benchmarks" for i in IMPORTS[n])]
