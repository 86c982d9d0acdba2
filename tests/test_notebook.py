"""The notebook of the manual runs, cell by cell, and shows short tables."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("petsc4py.PETSc")

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"
#: As a notebook does it: a cell that ends in an expression shows its value.
RUN = """
import ast, json, sys

names = {}
for source in json.load(sys.stdin):
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
        shown = value._repr_html_() if hasattr(value, "_repr_html_") else repr(value)
        if value is not None:
            print(json.dumps(shown))
"""


def cells():
    notebook = json.loads(NOTEBOOK.read_text())
    return ["".join(each["source"]) for each in notebook["cells"] if each["cell_type"] == "code"]


def shown(sources, tmp_path):
    """What the cells show, run in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=json.dumps(sources), capture_output=True, text=True,
        cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_first_cells_run_and_show_a_table(tmp_path):
    """Those that do not train."""
    [report] = shown(cells()[:3], tmp_path)
    assert report.startswith("<p>40 solves; saved ")
    assert report.count("<tr>") < 12


@pytest.mark.slow
def test_all_cells_run_and_show_short_tables(tmp_path):
    report, model, evaluation = shown(cells(), tmp_path)
    assert "<table>" in report
    assert len(model) < 300
    assert "unseen systems" in evaluation
    assert evaluation.count("<tr>") < 12
