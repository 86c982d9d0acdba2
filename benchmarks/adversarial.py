"""How much harm models can do that are as bad as can be.

Systems of many sizes, by their own settings (GMRES and ILU) and under each model in turn: constant
settings that are slow, fail, or whose set-up takes far longer than the solve, networks of random
weights over a wide space, and one that chooses the slowest of the constant settings for each
system, as far as size, symmetry and the like tell. Own settings are run before and after each; what
counts is the ratio of the seconds inside KSPSolve, of the clock and of the processor (which other
programs disturb less), and of the whole program; medians over --repeats. The longest single set-up
is shown apart: one that cannot be stopped may overrun, once.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metasolve.model.directory import save
from metasolve.model.layer import Layer
from metasolve.model.model import Model, Standardisation
from metasolve.model.pinned import pin
from metasolve.petsc import library
from metasolve.petsc.conduct import Conduct
from metasolve.petsc.recording import FEATURES_VERSION, record
from metasolve.production import journal
from metasolve.space import Choice, Integer, Space

HOSTS = Path(__file__).parents[1] / "tests" / "hosts"
PINNED = {
    "LU in natural ordering": {
        "ksp_type": "gmres",
        "pc_type": "lu",
        "pc_factor_mat_ordering_type": "natural",
    },
    "GMRES(2), Jacobi": {"ksp_type": "gmres", "ksp_gmres_restart": "2", "pc_type": "jacobi"},
    "Richardson, Jacobi": {"ksp_type": "richardson", "pc_type": "jacobi"},
    "BiCGStab, AMG by ML": {"ksp_type": "bcgs", "pc_type": "ml"},
}
KINDS = {"a KSP each": [], "one KSP": ["-one_ksp"]}
NETWORKS = 3  # of random weights
LEARNED = 24  # systems from which the slowest settings are learned


@dataclass
class Row:
    """What one model did. Times in seconds.

    Parameters
    ----------
    model, kind
        What was run.
    solver, processor, program
        Time inside KSPSolve, by the clock and of the processor, and of the whole program, over
        that of own settings.
    overrun
        Longest set-up of a model's settings.
    solver_without, processor_without
        As `solver` and `processor`, with that set-up left out.
    tried, accepted
        Solves in which settings of the model were tried, and answered.
    missed, missed_own
        Answers whose true residual misses the tolerance, under the model and by own settings.
    """

    model: str
    kind: str
    solver: float
    processor: float
    program: float
    overrun: float
    solver_without: float
    processor_without: float
    tried: int
    accepted: int
    missed: int
    missed_own: int


def main() -> int:
    """Measure, print a table, write JSON if asked; 1 where the bound was exceeded."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--solves", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=1, help="of the systems and of the network")
    arguments.add_argument("--repeats", type=int, default=1)
    arguments.add_argument("--only", default="", help="models whose names hold this")
    arguments.add_argument("--json", type=Path, metavar="FILE")
    options = arguments.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="metasolve-") as folder:
        program = built(Path(folder))
        for name, directory in models(Path(folder), program, options):
            for kind, words in KINDS.items():
                command = [program, "-solves", str(options.solves), "-seed", str(options.seed)]
                command += words
                found = [measured(name, kind, command, directory) for _ in range(options.repeats)]
                rows.append(middle(found))
                print(line(rows[-1]), flush=True)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return int(any(row.processor_without > 1.05 for row in rows))


def built(folder: Path) -> str:
    """Compile the program that solves the systems."""
    subprocess.run(
        ["make", "-s", "-C", str(HOSTS), f"BUILD={folder}", f"{folder}/sequence"], check=True
    )
    return str(folder / "sequence")


def models(folder: Path, program: str, options: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """Write every model that is asked for; give its name and directory."""
    for i, (name, each) in enumerate(PINNED.items()):
        if options.only in name:
            yield name, pin(folder / str(i), each)
    for i in range(options.seed, options.seed + NETWORKS):
        if options.only in (name := f"random network {i}"):
            save(random_model(i), folder / name)
            yield name, folder / name
    if options.only in (name := "the slowest for each"):
        save(slowest_model(folder, [program, "-seed", str(options.seed + 1)]), folder / name)
        yield name, folder / name


def random_model(seed: int) -> Model:
    """Another choice for nearly every system, at any price."""
    rng, count = np.random.default_rng(seed), len(library.plugin().names)
    methods = Choice("ksp_type", ("gmres", "bcgs", "richardson", "tfqmr", "cg", "cgs"))
    kinds = ("none", "jacobi", "sor", "ilu", "bjacobi", "asm", "lu", "gamg", "hypre", "ml", "icc")
    space = Space((methods, Choice("pc_type", kinds), Integer("ksp_gmres_restart", 2, 60)))
    return linear(space, rng.normal(size=(space.dim, count)), rng.normal(size=space.dim))


def slowest_model(folder: Path, command: list[str]) -> Model:
    """The constant settings that took longest, by a linear fit to other systems of the program."""
    command = [*command, "-solves", str(LEARNED)]
    record(command, folder / "slowest")
    text = (folder / "slowest" / "manifest.jsonl").read_text()
    lines = [each for each in map(json.loads, text.splitlines()) if "features" in each]
    names = library.plugin().names
    x = np.array([[each["features"][name] for name in names] for each in lines])
    seconds = np.array([by_hand(command, each) for each in PINNED.values()])
    slowest = [list(PINNED.values())[i] for i in seconds.argmax(axis=0)]
    chosen = (
        Choice("ksp_type", tuple(dict.fromkeys(each["ksp_type"] for each in PINNED.values()))),
        Choice("pc_type", tuple(dict.fromkeys(each["pc_type"] for each in PINNED.values()))),
    )
    space = Space(
        (
            *chosen,
            Choice("pc_factor_mat_ordering_type", ("natural",), when={"pc_type": ("lu",)}),
            Choice("ksp_gmres_restart", ("2",), when={"ksp_type": ("gmres",)}),
        )
    )
    wanted = np.array([np.concatenate([c.write(s[c.name]) for c in chosen]) for s in slowest])
    centre, scale = x.mean(axis=0), np.where(x.std(axis=0) > 0, x.std(axis=0), np.inf)
    scaled = np.column_stack(((x - centre) / scale, np.ones(len(x))))
    ridge = scaled.T @ scaled + 0.1 * np.eye(scaled.shape[1])
    fitted = np.linalg.solve(ridge, scaled.T @ wanted)
    agreed = sum(
        all(c.read(z[part]) == s[c.name] for c, part in zip(chosen, parts(chosen), strict=True))
        for z, s in zip(scaled @ fitted, slowest, strict=True)
    )
    counts = [int((seconds.argmax(axis=0) == i).sum()) for i in range(len(PINNED))]
    print(f"slowest: {dict(zip(PINNED, counts, strict=True))}; the fit agrees on {agreed}")
    weights, bias = np.zeros((space.dim, len(names))), np.zeros(space.dim)
    weights[: wanted.shape[1]] = fitted[:-1].T / scale
    bias[: wanted.shape[1]] = fitted[-1] - weights[: wanted.shape[1]] @ centre
    return linear(space, weights, bias)


def parts(settings: Sequence[Choice]) -> list[slice]:
    """Which coordinates are whose."""
    ends = np.cumsum([each.width for each in settings])
    return [slice(end - each.width, end) for end, each in zip(ends, settings, strict=True)]


def by_hand(command: list[str], settings: Mapping[str, str]) -> list[float]:
    """Seconds of the processor of each solve, by these settings alone."""
    words = [word for name, value in settings.items() for word in (f"-{name}", value)]
    words += ["-each", "-ksp_norm_type", "unpreconditioned"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=True)
    return [float(each) for each in re.findall(r"^each (\S+)", done.stdout, re.MULTILINE)]


def linear(space: Space, weights: NDArray[np.float64], bias: NDArray[np.float64]) -> Model:
    """A model of one layer to which every system is familiar."""
    from petsc4py import PETSc

    names = library.plugin().names
    count = len(names)
    box = np.full(count, 1e30)
    familiar = Standardisation(names, np.zeros(count), np.ones(count), -box, box)
    info = {
        "petsc": ".".join(map(str, PETSc.Sys.getVersion())),
        "features_version": FEATURES_VERSION,
    }
    return Model("policy", space, familiar, (Layer(weights, bias, "linear"),), info)


def measured(name: str, kind: str, command: list[str], model: Path) -> Row:
    """Run own settings, the model, and own settings again."""
    log = model / "run.jsonl"
    log.unlink(missing_ok=True)
    variables = Conduct(log).environment()
    before = timed(command)
    under = timed(command, {**variables, "METASOLVE_DIR": str(model)})
    after = timed(command)
    own = Timed(*((np.array(before) + np.array(after)) / 2))
    lines = journal.solves(log)
    overrun = max(each["seconds"]["setup"] for each in lines)
    sources = [each["source"] for each in lines]
    accepted = sum(source in ("model", "second", "switched") for source in sources)
    return Row(
        name,
        kind,
        under.seconds / own.seconds,
        under.processor / own.processor,
        under.wall / own.wall,
        overrun,
        (under.seconds - overrun) / own.seconds,
        (under.processor - overrun) / own.processor,
        sum(source != "refused" for source in sources),
        accepted,
        int(under.missed),
        int(before.missed),
    )


def middle(rows: Sequence[Row]) -> Row:
    """The row whose processor time without the overrun is the median."""
    return sorted(rows, key=lambda row: row.processor_without)[len(rows) // 2]


class Timed(NamedTuple):
    """Of one run: seconds inside KSPSolve, of the clock and of the processor, and of it all."""

    seconds: float
    processor: float
    wall: float
    missed: float


def timed(command: list[str], variables: dict[str, str] | None = None) -> Timed:
    """Run the program once, under a model where there are variables."""
    words = command
    if variables is not None:
        words = [sys.executable, "-m", "metasolve", "run", variables["METASOLVE_DIR"]]
        words += ["--log", variables["METASOLVE_LOG"], "--", *command]
    start = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - start
    found = re.search(r"missed (\d+) seconds (\S+) processor (\S+)", done.stdout)
    if found is None:
        raise SystemExit(f"{command[0]} printed {done.stdout!r}")
    return Timed(float(found[2]), float(found[3]), wall, float(found[1]))


def line(row: Row) -> str:
    """One line for people."""
    return (
        f"{row.model:24}{row.kind:12} solver {row.solver:5.2f} ({row.solver_without:5.2f} without "
        f"a set-up of {row.overrun:.2f} s)  processor {row.processor:5.2f} "
        f"({row.processor_without:5.2f})  program {row.program:5.2f}  tried {row.tried:4}  "
        f"accepted {row.accepted:4}  missed {row.missed} (own {row.missed_own})"
    )


if __name__ == "__main__":
    sys.exit(main())
