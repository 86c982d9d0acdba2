"""The race of initial guesses, through the plug-in, on systems that they have not seen."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metasolve.model.directory import add_guess
from metasolve.solve.instance import Instance

if TYPE_CHECKING:
    from metasolve.baselines.contenders import Measurements

WITHOUT = "no guess"
_FIRST = 2  # systems on which all are tried once; then the hopeless leave
_HOPELESS = 1.5  # times what the fastest takes
Progress = Callable[[str, int, int], None]
Found = dict[str, "dict[str, Measurements]"]


@dataclass(frozen=True)
class Entry:
    """A guess that takes part.

    Attributes
    ----------
    modes : of the guess.
    settings : whose settings go with it: ``"own"`` (the program's), ``"model"`` or ``"guess"``.
    data : contents of guess.bin.
    """

    modes: int
    settings: str
    data: bytes

    @property
    def name(self) -> str:
        """What the table calls it."""
        told = {"own": "", "model": ", the model's settings", "guess": ", settings of its own"}
        return f"{self.modes} modes{told[self.settings]}"


@dataclass(frozen=True)
class Contender:
    """How a guess did on the systems it was validated on.

    Attributes
    ----------
    name : what the table calls it.
    modes : of the guess; 0 for none.
    settings : whose settings go with it; see `Entry`.
    time : total wall seconds relative to the model without a guess, on the same systems.
    worst : largest such ratio of a single system.
    failures : systems without an answer to the tolerance.
    systems : solved; fewer than the others where it left the race.
    """

    name: str
    modes: int
    settings: str
    time: float
    worst: float
    failures: int
    systems: int


def race(
    bare: Path,
    entries: Iterable[Entry],
    validation: Sequence[Instance],
    repeats: int,
    progress: Progress,
) -> list[Contender]:
    """Solve every system with every guess that is not hopeless, and without.

    Parameters
    ----------
    bare : model directory without a guess; copies of it are made beside it.
    entries : the guesses, each of which is as large as its file: kept in files alone.
    repeats : timed solves of each system by each contender.
    """
    from metasolve.baselines.contenders import measure
    from metasolve.petsc.replay import Replay
    from metasolve.recorded.contenders import plugin

    replay, folders, keys = Replay(), {WITHOUT: bare}, {WITHOUT: (0, "model")}
    for each in entries:
        folder = bare.with_name(each.name.replace(" ", ""))
        folders[each.name], keys[each.name] = folder, (each.modes, each.settings)
        copy_model(bare, folder)
        add_guess(folder, each.data, {})
    playing = {name: plugin(replay, folder) for name, folder in folders.items()}
    first = measure(playing, validation[:_FIRST], 1)
    left = {name: playing[name] for name in _hopeful(first, validation[:_FIRST])}
    done = iter(range(1, len(validation) + 1))
    found = measure(
        left, validation, repeats, lambda: progress("race", next(done), len(validation))
    )
    replay.destroy()
    known = {name: found if name in found else first for name in folders}
    return [_contender(name, keys[name], known[name], validation) for name in folders]


def _seconds(measured: Found, name: str, instances: Sequence[Instance]) -> NDArray[np.float64]:
    known = measured[name]
    return np.array([known[i.id].seconds(i.setup_share) for i in instances])


def _hopeful(measured: Found, instances: Sequence[Instance]) -> list[str]:
    took = {name: float(_seconds(measured, name, instances).sum()) for name in measured}
    limit = _HOPELESS * min(took.values())
    return [name for name, seconds in took.items() if seconds <= limit or name == WITHOUT]


def _contender(
    name: str, key: tuple[int, str], found: Found, validation: Sequence[Instance]
) -> Contender:
    solved = [each for each in validation if each.id in found[name]]
    taken, without = (_seconds(found, each, solved) for each in (name, WITHOUT))
    failed, before = (
        sum(not found[each][i.id].outcome.ok for i in solved) for each in (name, WITHOUT)
    )
    total, worst = float(taken.sum() / without.sum()), float((taken / without).max())
    return Contender(name, *key, total, worst, max(failed - before, 0), len(solved))


def copy_model(model: Path, folder: Path) -> None:
    """The files of a model, without its baselines and what else lies there."""
    folder.mkdir()
    for name in ("model.json", "policy.txt", "weights.safetensors"):
        shutil.copy(model / name, folder / name)
