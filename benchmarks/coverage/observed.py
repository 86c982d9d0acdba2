"""Runs a Python program as it is and says what became of its variables.

    python observed.py SCRIPT VARIABLE... [-- ARGUMENTS]

Programs that draw pictures print no numbers. Their global variables are looked at after their
last line, so that they need no change; of several ranks the first one tells. Random numbers of
numpy start from a seed. This file imports nothing of metasolve: it runs under the Python that the
programs need.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def norms(value: Any) -> tuple[float, float]:
    """Return the 2-norm and the largest norm of a number, a function or a vector."""
    if isinstance(value, (int, float)):
        return abs(float(value)), abs(float(value))
    vector = getattr(value, "vector", value)  # a function of dolfinx or of legacy dolfin
    vector = vector() if callable(vector) else vector
    if type(vector).__module__.startswith("dolfin"):
        return float(vector.norm("l2")), float(vector.norm("linf"))
    return float(vector.norm(1)), float(vector.norm(3))  # PETSc's NORM_2 and NORM_INFINITY


def told(namespace: dict[str, Any], names: list[str]) -> Iterator[str]:
    """Return a line for each variable."""
    for name in names:
        first, second = norms(namespace[name])
        yield f"observed {name}: {first:.12e} {second:.12e}"


def main(words: list[str]) -> None:
    """Run the command."""
    words, arguments = _split(words)
    script, *names = words
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).resolve().parent)  # as Python does for a script
    try:
        import numpy as np

        np.random.seed(0)  # noqa: NPY002 (the programs use the old generator)
    except ImportError:
        pass
    namespace = runpy.run_path(script, run_name="__main__")
    lines = "".join(f"{line}\n" for line in told(namespace, names))  # norms are of all ranks
    if os.environ.get("OMPI_COMM_WORLD_RANK", "0") == "0":
        sys.stdout.write(lines)


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


if __name__ == "__main__":
    main(sys.argv[1:])
