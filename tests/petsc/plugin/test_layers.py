"""The plug-in's files call downwards only, in the order that metasolve.h states."""

import re
import subprocess

import pytest

from metasolve.errors import PluginError
from metasolve.petsc import installation

PLUGIN = installation.__file__.rpartition("/")[0] + "/plugin"


@pytest.fixture(scope="module")
def symbols(tmp_path_factory):
    """For each file what it defines and what it calls."""
    try:
        found = installation.find()
        found.check()
    except PluginError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("objects")
    words = [*found.compiler, "-c", "-std=gnu11", "-w", "-O0", *found.cflags]
    made = {}
    for name in _files():
        target = folder / f"{name}.o"
        command = [*words, f"{PLUGIN}/{name}.c", "-o", str(target)]
        subprocess.run(command, check=True, capture_output=True)
        table = subprocess.run(["nm", str(target)], check=True, capture_output=True, text=True)
        rows = [line.split()[-2:] for line in table.stdout.splitlines()]
        made[name] = (
            {symbol for kind, symbol in rows if kind in "TDBRC"},
            {symbol for kind, symbol in rows if kind == "U"},
        )
    return made


def _files():
    from pathlib import Path

    return sorted(path.stem for path in Path(PLUGIN).glob("*.c"))


def _order():
    """Names in the order stated, each with its line: files of a line may call each other's."""
    from pathlib import Path

    text = Path(f"{PLUGIN}/metasolve.h").read_text()
    stated = text.partition("Calls go downwards only")[2].partition("Private PETSc")[0]
    levels = {}
    for level, line in enumerate(stated.splitlines()[1:]):
        for name in re.findall(r"[a-z_0-9]+", re.split(r"\s{2,}", line.strip())[0]):
            levels.setdefault(name, level)
    return levels


def test_the_order_names_every_file():
    assert set(_files()) <= set(_order())


def test_calls_go_downwards_only(symbols):
    order = _order()
    for caller, (_, called) in symbols.items():
        for callee, (defined, _) in symbols.items():
            if caller != callee and called & defined:
                assert order[caller] <= order[callee], (caller, callee, called & defined)


def test_no_two_files_call_each_other(symbols):
    calls = {
        caller: {
            callee
            for callee, (defined, _) in symbols.items()
            if callee != caller and called & defined
        }
        for caller, (_, called) in symbols.items()
    }

    def reached(start):
        seen, todo = set(), [start]
        while todo:
            for name in calls[todo.pop()] - seen:
                seen.add(name)
                todo.append(name)
        return seen

    assert [name for name in calls if name in reached(name)] == []


def test_no_file_is_long_and_no_line_is_wide():
    from pathlib import Path

    for path in Path(PLUGIN).rglob("*.[ch]"):
        lines = path.read_text().splitlines()
        assert len(lines) <= 300, path.name
        assert max(map(len, lines)) <= 132, path.name
