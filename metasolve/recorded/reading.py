"""Which recorded systems are learned from: of one recording or several, all or those of one KSP."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from metasolve.errors import UsageError
from metasolve.petsc.drift import drifts
from metasolve.petsc.recording import Recording
from metasolve.solve.instance import Instance
from metasolve.train.inputs import usable

Recordings = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def read(recording: Recordings) -> Recording:
    """Read a recording; of several, all that they hold together.

    Raises
    ------
    UsageError, RecordingError
        If none is given; if one cannot be read or is empty.
    """
    given = [recording] if isinstance(recording, (str, os.PathLike)) else list(recording)
    if not given:
        raise UsageError("no recording given: name the directory of metasolve record -o")
    found, *others = [Recording(Path(each)) for each in given]
    for other in others:
        other.instances()  # it says what is wrong with it
        found.add(other)
    return found


def systems(recorded: Recording, prefix: str | None) -> list[Instance]:
    """The recorded solves that can be learned from, each with the drift of its sequence.

    Parameters
    ----------
    prefix
        Only of the KSP with this options prefix; None: of each.

    Raises
    ------
    UsageError, RecordingError
        If there is none; if a file is missing or torn.
    """
    instances: list[Instance] = recorded.instances()
    if prefix is not None:
        known = sorted({each.payload.prefix for each in instances})
        instances = [each for each in instances if each.payload.prefix == prefix]
        if not instances:
            raise UsageError(f"prefix={prefix!r} was not recorded; recorded: {known}")
    clean = usable(instances)
    if not clean:
        raise UsageError(f"{recorded.path}: no solve has finite features: record others")
    moving = drifts([each.payload for each in clean])
    return [replace(each, drift=drift) for each, drift in zip(clean, moving, strict=True)]


def provenance(recorded: Recording, prefix: str | None) -> dict[str, Any]:
    """What model.json says of where a model comes from."""
    return {
        "recordings": [str(path) for path in recorded.paths],
        "petsc": recorded.runs[-1].petsc,
        "features_version": recorded.runs[-1].features_version,
        "prefix": prefix,
    }
