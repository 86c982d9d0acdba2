"""Solutions of a program's first nonlinear solve, recorded by the plug-in, run after run."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import UsageError
from metasolve.files.atomic import write_atomically
from metasolve.model.model import Model
from metasolve.program.case import Case
from metasolve.program.plugged import RECORD, plugged
from metasolve.program.process import run, scratch
from metasolve.program.reading import petsc_vectors
from metasolve.program.start import start
from metasolve.solve.instance import Instance
from metasolve.solve.solver import Value

FEWEST = 12  # to learn from
_TRIALS = 4  # runs, after which it is foreseen whether that many will come
Array = NDArray[np.float64]
Solved = tuple[Instance, Array]


def solutions_of(
    case: Case,
    model: Model,
    known: Sequence[Instance],
    folder: Path,
    progress: Callable[[str, int, int], None],
) -> list[Solved]:
    """Instances and their solutions, of the commonest kind.

    A kind is a number of axes and components of a field on a grid, or else a number of unknowns.

    Parameters
    ----------
    model : whose settings the program runs under, where it has any.
    folder : where each solution is kept, to go on after a kill.

    Raises
    ------
    UsageError
        If there are fewer than 12; that is foreseen after a few runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Solved] = []
    for done, instance in enumerate(known, start=1):
        x = _kept(case, instance, settings_of(model, instance), folder)
        found += [(instance, x)] if x.size else []
        progress("recording", done, len(known))
        alike = _alike(found)
        if done >= _TRIALS and len(alike) * len(known) < FEWEST * done:
            break
    if len(alike) < FEWEST:
        raise UsageError(
            f"case {case.name}: at most {len(alike)} runs have solutions of one length or on grids "
            f"that PETSc knows; make it {FEWEST} or more whose solver is PETSc's Newton method"
        )
    return alike


def settings_of(model: Model, instance: Instance) -> dict[str, Value]:
    """The model's settings for an instance; none where it refuses."""
    return {} if model.refuses(instance.features) else model.settings(instance.features)


def _kept(case: Case, instance: Instance, settings: dict[str, Value], folder: Path) -> Array:
    """The solution of a run, from the file where it is kept if it was made before."""
    told = json.dumps([case.to_dict(), instance.id, settings], sort_keys=True, default=str)
    path = folder / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}.npy"
    if not path.exists():
        file = io.BytesIO()
        np.save(file, _recorded(case, instance, settings), allow_pickle=False)
        write_atomically(path, file.getvalue())
    kept: Array = np.load(path, allow_pickle=False)
    return kept


def _recorded(case: Case, instance: Instance, settings: dict[str, Value]) -> Array:
    with scratch() as folder, TemporaryDirectory() as out:
        (Path(out) / "vectors").mkdir()
        begin = start(case, instance.payload, settings)
        run(plugged(begin, RECORD, Path(out)), folder, case.timeout)
        return read_solution(Path(out))


def read_solution(recording: Path) -> Array:
    """The recorded solution, (z, y, x, components) or (size,); of size 0 if there is none."""
    manifest = recording / "manifest.jsonl"
    for text in manifest.read_text().splitlines() if manifest.exists() else ():
        line = json.loads(text)
        if line["kind"] == "nonlinear" and line["vectors"]:
            (x,) = petsc_vectors((recording / line["vectors"]).read_bytes())
            *points, components = line["grid"]
            return x.reshape(*reversed(points), components) if components else x
    return np.empty(0)


def _alike(found: Sequence[Solved]) -> list[Solved]:
    """Those of the commonest kind."""
    commonest = Counter(_kind(x) for _, x in found).most_common(1)
    return [each for each in found if _kind(each[1]) == commonest[0][0]]


def _kind(x: Array) -> tuple[int, ...]:
    return (x.size,) if x.ndim == 1 else (*(n > 1 for n in x.shape[:3]), x.shape[3])
