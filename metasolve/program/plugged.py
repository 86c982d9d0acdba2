"""A run of a program with the plug-in in it, which the program does not notice."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from metasolve.errors import ModelError
from metasolve.model.directory import NEWTON
from metasolve.model.model import Model
from metasolve.petsc import launch, remembered
from metasolve.petsc.petsc_options import with_plugin
from metasolve.program.start import Start

RECORD, RUN = "record-newton", "run"


def plugged(begin: Start, mode: str, directory: Path, inputs: Iterable[float] = ()) -> Start:
    """The same run, its nonlinear solve recorded into `directory`, or started by the model there.

    Parameters
    ----------
    inputs : of the model, from which the start follows.

    Raises
    ------
    PluginError
        If the plug-in cannot be built.
    """
    before = begin.environment.get("PETSC_OPTIONS", os.environ.get("PETSC_OPTIONS", ""))
    added = {
        "METASOLVE_MODE": mode,
        "METASOLVE_DIR": str(directory.absolute()),
        "METASOLVE_INPUTS": ",".join(f"{each:.17g}" for each in inputs),
        **with_plugin(before, remembered.build(begin.words, launch.print_error)),
    }
    return replace(begin, environment={**begin.environment, **added})


def started(begin: Start, model: Model | None, features: Mapping[str, float]) -> Start:
    """The same run with a start of its nonlinear solve, where the model's directory holds one.

    Without, where a feature is missing or unlike those learned from.
    """
    directory = None if model is None else model.directory
    if model is None or directory is None or not (directory / NEWTON).is_file():
        return begin
    try:
        raw = model.standardisation.vector(features)
    except ModelError:
        return begin
    if model.standardisation.unfamiliar(raw):
        return begin
    return plugged(begin, RUN, directory, model.standardisation(raw))
