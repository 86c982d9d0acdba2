"""What a user gets for a family of systems: recorded, trained and given a guess, as by hand."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metasolve.errors import UsageError
from metasolve.report.result import Report

if TYPE_CHECKING:
    from metasolve.family import Family
    from metasolve.model.model import Model
    from metasolve.solve.instance import Instance


@dataclass(frozen=True)
class Draw:
    """Instances of a family by the stream they belong to; no two streams share a seed."""

    family: Family
    rtol: float
    size: str
    seed: int

    def stream(self, name: str) -> int:
        """Seed of "train" or "test"."""
        return 2 * self.seed + ("train", "test").index(name)

    def __call__(self, name: str, count: int) -> list[Instance]:
        """Generate them."""
        return self.family.instances(count, self.stream(name), self.rtol, self.size)


@dataclass(frozen=True)
class Produced:
    """A model, and what it was made from.

    Attributes
    ----------
    model : loaded; its directory has the guess, too, where there is one.
    train, unseen : the recorded twins of the generated instances, in the same order.
    seconds : of training and of learning the guess, everything included.
    """

    model: Model
    train: Sequence[Instance]
    unseen: Sequence[Instance]
    seconds: float

    @property
    def directory(self) -> Path:
        """Where the model was loaded from."""
        if self.model.directory is None:
            raise UsageError("the model is in memory only; load it from a directory")
        return self.model.directory

    @property
    def calls(self) -> int:
        """Solver calls, those of the guess included."""
        return int(self.model.info["calls"]["train"])

    @property
    def what(self) -> str:
        """In words: where the settings come from, and how large the guess is."""
        guess = self.model.info.get("guess")
        settings = str(self.model.info.get("winner", self.model.kind))
        if guess is None:
            return settings
        modes = f"guess of {guess['modes']} modes"
        told = {"own": f"{modes}, own settings", "model": f"{settings}, {modes}"}
        chosen = ", ".join(f"{name}={value}" for name, value in guess["options"].items())
        return told.get(guess["settings"], f"{modes}, {chosen}")


def produce(
    draw: Draw, case: Path, counts: tuple[int, int], calls: int, folder: Path, report: Report
) -> Produced:
    """Record a family's application, train, and learn a guess where all systems have one grid.

    Parameters
    ----------
    case : case file of the family.
    counts : instances to learn from, and unseen ones.
    calls : solver calls of training; the guess takes more.
    folder : for recordings and the model.
    """
    from metasolve.model.directory import load
    from metasolve.petsc.recording import Recording
    from metasolve.recorded.guess import learn_guess
    from metasolve.recorded.training import train

    for name, count in zip(("train", "test"), counts, strict=True):
        report(f"{draw.family.name}, seed {draw.seed}: recording", 0, 1)
        _record(draw, case, name, count, folder / name)
    space = draw.family.space if draw.family.space.settings else None
    out, began = folder / "model", time.perf_counter()
    train(folder / "train", out, space=space, progress=report, calls=calls, seed=draw.seed)
    with suppress(UsageError):  # systems of many grids have no guess in common
        learn_guess(folder / "train", out, seed=draw.seed, progress=report)
    seconds = time.perf_counter() - began
    train_, test = (Recording(folder / name).instances() for name in ("train", "test"))
    return Produced(load(out), train_, test, seconds)


def _record(draw: Draw, case: Path, name: str, count: int, out: Path) -> None:
    """Run the family's application under ``metasolve record``."""
    python = [sys.executable, "-m"]
    application = [*python, "metasolve.family", str(case), "--size", draw.size]
    application += ["--count", str(count), "--seed", str(draw.stream(name))]
    application += ["--rtol", repr(draw.rtol)]
    subprocess.run(
        [*python, "metasolve", "record", "-o", str(out), "--", *application],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=dict(os.environ),  # without what MPI has put into this process's own
        check=True,
    )
