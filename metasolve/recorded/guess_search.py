"""Settings that go on from a guess: one for all systems, found on systems the guess has not seen.

Where a guess leaves one or two digits to be gained, a preconditioner that costs little to set up
is faster than the one that is best from zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from metasolve.solve.instance import Instance
from metasolve.space import Space

if TYPE_CHECKING:
    from metasolve.guess import Projected, ReducedGalerkin

_SYSTEMS = 8  # to search on: a setting is given up after some of them where it is slow
_FEWEST = 4  # of which the guess is not the answer


def search(
    space: Space,
    guesses: Sequence[ReducedGalerkin | Projected],
    systems: Sequence[Instance],
    calls: int,
    seed: int,
    progress: Callable[[int], None],
) -> dict[str, str]:
    """PETSc options that solve fastest from a guess, by Optuna; the space's defaults come first.

    Parameters
    ----------
    space : what may be set.
    guesses : of increasing size; the search is from the largest that is not the answer already.
    systems : recorded ones that the guesses were not learned from.
    calls : solver calls.

    Returns
    -------
    dict
        Empty where even the smallest guess is the answer to nearly all, or nothing may be set.
    """
    from metasolve.baselines.global_search import GlobalSearch
    from metasolve.petsc.replay import Replay

    if not space.settings:
        return {}
    replay = Replay(space=space)
    with TemporaryDirectory() as folder:
        started: list[Instance] = []
        for guess in reversed(guesses):
            started = list(islice(_started(guess, systems, Path(folder)), _SYSTEMS))
            if len(started) >= _FEWEST:
                break
        else:
            return {}
        found = GlobalSearch(space, replay, started, calls, seed, progress=progress).run()
    replay.destroy()
    return space.options(found.settings)


def _started(
    guess: ReducedGalerkin | Projected, systems: Sequence[Instance], folder: Path
) -> Iterator[Instance]:
    """Systems that the guess is not the answer to, as if the program had started from it."""
    from petsc4py import PETSc

    from metasolve.petsc.snapshots import matrix
    from metasolve.petsc.systems import Systems

    loaded = Systems(PETSc.COMM_SELF)
    for number, instance in enumerate(systems):
        system = loaded.load(instance.payload)
        x, b = system.b.duplicate(), system.b.getArray()
        x.setArray(guess.basis @ guess(matrix(system), b, np.zeros(guess.modes)))
        if system.residual(x) <= instance.tolerance * system.norm:
            continue
        path = folder / f"{guess.modes}-{number}.bin"
        viewer = PETSc.Viewer().createBinary(str(path), "w", comm=PETSc.COMM_SELF)
        x.view(viewer)
        viewer.destroy()
        yield replace(instance, payload=replace(instance.payload, guess=path))
    loaded.destroy()
