"""PETSc's nested log: wall seconds in linear solvers, each of them counted once.

`-log_view :FILE:ascii_xml` writes a tree. Events of solvers are in one another (an eigenvalue
estimate within a set-up, a set-up within an accelerated solve): only the outermost count.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

SOLVERS = ("KSPSolve", "KSPSolveTranspos", "KSPMatSolve", "KSPSetUp", "PCSetUp", "PCSetUpOnBlocks")
_LARGEST = ("value", "maxvalue")


def option(file: Path) -> str:
    """Return the PETSc option that writes the log."""
    return f"-log_view :{file}:ascii_xml"


def solver_seconds(file: Path) -> float | None:
    """Return the seconds in solvers, of the slowest rank; None where there is no whole log."""
    try:
        root = ET.parse(file).getroot()  # noqa: S314 (written by the program that just ran)
    except (OSError, ET.ParseError):
        return None
    tree = root.find(".//timertree")
    if tree is None:
        return None
    total = float(tree.findtext("totaltime", "nan"))
    return total * sum(map(_share, tree.findall("event"))) / 100.0


def _share(event: ET.Element) -> float:
    """Return the percentage of all time spent in solvers here or further in."""
    if any((event.findtext("name") or "").startswith(name) for name in SOLVERS):
        time = event.find("time")
        values = [] if time is None else [float(x.text or 0) for x in time if x.tag in _LARGEST]
        return max(values, default=0.0)
    return sum(map(_share, event.findall("events/event")))
