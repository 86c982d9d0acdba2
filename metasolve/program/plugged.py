"""A run of a program with the plug-in in it, which the program does not notice."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from metasolve.model.directory import NEWTON
from metasolve.petsc import library
from metasolve.petsc.launch import with_plugin
from metasolve.program.start import Start

RECORD, RUN = "record-newton", "run"


def plugged(begin: Start, mode: str, directory: Path) -> Start:
    """The same run, its nonlinear solves recorded into `directory`, or started by the model there.

    Raises
    ------
    PluginError
        If the plug-in cannot be built.
    """
    before = begin.environment.get("PETSC_OPTIONS", os.environ.get("PETSC_OPTIONS", ""))
    added = {
        "METASOLVE_MODE": mode,
        "METASOLVE_DIR": str(directory.absolute()),
        "PETSC_OPTIONS": with_plugin(before, library.build()),
    }
    return replace(begin, environment={**begin.environment, **added})


def started(begin: Start, model: Path | None) -> Start:
    """The same run with the start of its nonlinear solves, where the model directory holds one."""
    has_start = model is not None and (model / NEWTON).is_file()
    return plugged(begin, RUN, model) if has_start else begin
