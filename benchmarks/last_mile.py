"""What moved numbers gain, and what the probes that moved them have cost.

A program learns with probes. Then the same solves are made twice, frozen: with the numbers as they
are, and with those of the candidates. Only these differ, so a busy machine changes little.

As a program (``python -m benchmarks.last_mile KIND POINTS SOLVES SEED``) it solves diffusion
problems on a grid, whose coefficients are drawn anew for each, and prints the processor's seconds
inside its solves.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import MetasolveError
from metasolve.production import journal, state
from metasolve.production.numbers import Numbers

WORKLOADS = (
    *(("poisson2d", 60), ("poisson2d", 80), ("aniso2d", 100)),
    *(("lognormal2d", 60), ("lognormal2d", 120)),
)
LEARNING, FROZEN = 2, 2  #: runs


@dataclass(frozen=True)
class Gain:
    """Of one workload and one seed.

    Parameters
    ----------
    kind, points
        Of the workload; points a side.
    plain, moved
        Seconds of the processor inside the frozen solves, with the candidates' own numbers and
        with those that were found.
    probes
        In the learning runs.
    cost
        Of these, beyond as many median solves without a probe; share of the learning runs' time.
    numbers
        That were found, of the class with most solves.
    """

    kind: str
    points: int
    plain: float
    moved: float
    probes: int
    cost: float
    numbers: str

    @property
    def times(self) -> float:
        """How many times faster the solves are with the numbers that were found."""
        return self.plain / self.moved


def measure(kind: str, points: int, solves: int, seed: int) -> Gain:
    """Learn, then solve with the numbers that were found and without them, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        moved, plain = Path(folder, "moved"), Path(folder, "plain")
        first = seed * (LEARNING + FROZEN)
        for run in range(LEARNING):
            _run([kind, str(points), str(solves), str(first + run)], moved, {})
        probes, cost = _cost([x for x in journal.read(moved / "log.jsonl") if "candidate" in x])
        (file,) = moved.glob("*.state")
        plain.mkdir()
        numbers = _without_numbers(file, plain / file.name)
        seconds = {plain: 0.0, moved: 0.0}
        for run in range(LEARNING, LEARNING + FROZEN):
            for place in seconds:
                words = [kind, str(points), str(solves), str(first + run)]
                seconds[place] += _run(words, place, {"METASOLVE_FREEZE": "1"})
    return Gain(kind, points, seconds[plain], seconds[moved], probes, cost, numbers)


def _without_numbers(file: Path, other: Path) -> str:
    data, classes = state.read(file)
    most = max(classes, key=lambda each: each.solves).numbers
    told = ", ".join(f"{name} {x.own:g} -> {x.value:g}" for name, x in most.of.items())
    for each in classes:
        each.numbers = Numbers()
    other.write_bytes(state.written(classes, data.split()[3].decode()))
    return f"{most.candidate}: {told}" if told else ""


def _cost(lines: Sequence[Mapping[str, Any]]) -> tuple[int, float]:
    taken = [line["seconds"]["total"] for line in lines]
    probes = [x for x, line in zip(taken, lines, strict=True) if line["probe"]]
    others = [x for x, line in zip(taken, lines, strict=True) if not line["probe"]]
    return len(probes), (sum(probes) - len(probes) * statistics.median(others)) / sum(taken)


def _run(words: Sequence[str], place: Path, more: dict[str, str]) -> float:
    keep = ["--state", str(place), "--log", str(place / "log.jsonl")]
    program = [sys.executable, "-m", "benchmarks.last_mile", *words]
    command = [sys.executable, "-m", "metasolve", "run", *keep, "--", *program]
    place.mkdir(exist_ok=True)
    done = subprocess.run(
        command, env={**os.environ, **more}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MetasolveError(f"{' '.join(program)}: exit {done.returncode}: {done.stderr[-400:]}")
    return float(done.stdout)


def table(found: Sequence[Gain]) -> str:
    """Return the medians over seeds, as lines of Markdown."""
    lines = ["| workload | gain | of each seed | probes | their cost | numbers |", "|---" * 6 + "|"]
    for kind, points in dict.fromkeys((each.kind, each.points) for each in found):
        these = [each for each in found if (each.kind, each.points) == (kind, points)]
        every = ", ".join(f"{each.times:.2f}" for each in these)
        gain = statistics.median(each.times for each in these)
        probes = statistics.median(each.probes for each in these)
        cost = statistics.median(each.cost for each in these)
        told = "; ".join(dict.fromkeys(each.numbers for each in these if each.numbers))
        row = [f"`{kind}`, {points}", f"{gain:.2f}", every, f"{probes:g}", f"{cost:.1%}", told]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


# ---- the program ----
class Grid:
    """A grid in 2 or 3 dimensions with one unknown at each point, zero on the boundary."""

    def __init__(self, kind: str, points: int, seed: int) -> None:
        self.kind, self.shape = kind[:-2], (points,) * int(kind[-2])
        self.chance = np.random.default_rng(seed)
        number = np.arange(points ** len(self.shape)).reshape(self.shape)
        self.ends = [
            (_along(number, axis, slice(-1)), _along(number, axis, slice(1, None)))
            for axis in range(len(self.shape))
        ]

    def entries(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Rows and columns, of the diagonal first."""
        one = [low.ravel() for low, _ in self.ends]
        other = [high.ravel() for _, high in self.ends]
        diagonal = [np.arange(np.prod(self.shape))]
        rows, columns = (
            np.concatenate(x) for x in (diagonal + one + other, diagonal + other + one)
        )
        return rows.astype(np.int32), columns.astype(np.int32)

    def values(self) -> NDArray[np.float64]:
        """Values of the entries, drawn anew."""
        edges = self._edges()
        diagonal = np.zeros(self.shape)
        for axis, edge in enumerate(edges):
            for end, inner in ((0, slice(-1)), (-1, slice(1, None))):
                _along(diagonal, axis, inner)[...] += edge
                _along(diagonal, axis, end)[...] += 1.0
        off = [-edge.ravel() for edge in edges]
        return np.concatenate([diagonal.ravel(), *off, *off])

    def _edges(self) -> list[NDArray[np.float64]]:
        if self.kind == "lognormal":
            field = np.exp(self._field())
            pairs = [
                (_along(field, axis, slice(-1)), _along(field, axis, slice(1, None)))
                for axis in range(len(self.shape))
            ]
            return [2 * a * b / (a + b) for a, b in pairs]
        sizes = [low.shape for low, _ in self.ends]
        if self.kind == "aniso":
            weak = 10.0 ** self.chance.uniform(-3.0, -1.5, len(sizes) - 1)
            return [np.full(size, x) for size, x in zip(sizes, [1.0, *weak], strict=True)]
        strong = np.exp(0.1 * self.chance.standard_normal(len(sizes)))
        return [np.full(size, x) for size, x in zip(sizes, strong, strict=True)]

    def _field(self) -> NDArray[np.float64]:
        waves = np.meshgrid(*[np.fft.fftfreq(n) * n for n in self.shape], indexing="ij")
        decay = (1 + sum(wave**2 for wave in waves)) ** -1.2
        field = np.fft.ifftn(np.fft.fftn(self.chance.standard_normal(self.shape)) * decay).real
        return np.asarray(field / field.std())


def _along(x: NDArray[Any], axis: int, part: slice | int) -> NDArray[Any]:
    return np.moveaxis(x, axis, 0)[part]


def solve(kind: str, points: int, solves: int, seed: int) -> float:
    """Return the processor's seconds inside the solves."""
    from petsc4py import PETSc

    grid = Grid(kind, points, seed)
    size = int(np.prod(grid.shape))
    rows, columns = grid.entries()
    order = np.lexsort((columns, rows))
    start = np.searchsorted(rows[order], np.arange(size + 1)).astype(np.int32)
    csr = (start, columns[order])
    a = PETSc.Mat().createAIJ((size, size), csr=(*csr, grid.values()[order]))
    x, b = PETSc.Vec().createSeq(size), PETSc.Vec().createSeq(size)
    ksp = PETSc.KSP().create()
    ksp.setType("cg")
    ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
    ksp.setOperators(a)
    seconds = 0.0
    for _ in range(solves):
        a.setValuesCSR(*csr, grid.values()[order])
        a.assemble()
        b.setArray(grid.chance.standard_normal(size))
        x.set(0.0)
        began = time.process_time()
        ksp.solve(b, x)
        seconds += time.process_time() - began
    return seconds


if __name__ == "__main__":
    print(solve(sys.argv[1], *map(int, sys.argv[2:])))
