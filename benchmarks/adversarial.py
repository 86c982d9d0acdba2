"""How much harm models can do that are as bad as can be.

Systems of many sizes, by their own settings (GMRES and ILU) and under each model in turn: constant
settings that are slow, fail, or whose set-up takes far longer than the solve, and a network of
random weights over a wide space. Own settings are run before and after each; what counts is the
ratio of the seconds inside KSPSolve, and of the whole program. The longest single set-up is shown
apart: one that cannot be stopped may overrun, once.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from metasolve.model.directory import save
from metasolve.model.layer import Layer
from metasolve.model.model import Model, Standardisation
from metasolve.model.pinned import pin
from metasolve.petsc import launch, library
from metasolve.petsc.recording import FEATURES_VERSION
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


@dataclass
class Row:
    """What one model did. Times in seconds.

    Parameters
    ----------
    model, kind
        What was run.
    solver, program
        Time inside KSPSolve, and of the whole program, over that of own settings.
    overrun
        Longest set-up of a model's settings.
    solver_without
        As `solver`, with that set-up left out.
    tried, accepted
        Solves in which settings of the model were tried, and answered.
    missed, missed_own
        Answers whose true residual misses the tolerance, under the model and by own settings.
    """

    model: str
    kind: str
    solver: float
    program: float
    overrun: float
    solver_without: float
    tried: int
    accepted: int
    missed: int
    missed_own: int


def main() -> int:
    """Measure, print a table, write JSON if asked; 1 where the bound was exceeded."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--solves", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=1, help="of the systems and of the network")
    arguments.add_argument("--json", type=Path, metavar="FILE")
    options = arguments.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="metasolve-") as folder:
        program = built(Path(folder))
        for name, directory in models(Path(folder), options.seed).items():
            for kind, words in KINDS.items():
                command = [program, "-solves", str(options.solves), "-seed", str(options.seed)]
                rows.append(measured(name, kind, [*command, *words], directory))
                print(line(rows[-1]), flush=True)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return int(any(row.solver_without > 1.05 for row in rows))


def built(folder: Path) -> str:
    """Compile the program that solves the systems."""
    subprocess.run(
        ["make", "-s", "-C", str(HOSTS), f"BUILD={folder}", f"{folder}/sequence"], check=True
    )
    return str(folder / "sequence")


def models(folder: Path, seed: int) -> dict[str, Path]:
    """Write every model; return their directories by name."""
    found = {name: pin(folder / str(i), each) for i, (name, each) in enumerate(PINNED.items())}
    found["random network"] = folder / "random"
    save(random_model(seed), found["random network"])
    return found


def random_model(seed: int) -> Model:
    """Another choice for nearly every system, at any price."""
    rng, names = np.random.default_rng(seed), library.plugin().names
    methods = Choice("ksp_type", ("gmres", "bcgs", "richardson", "tfqmr", "cg", "cgs"))
    kinds = ("none", "jacobi", "sor", "ilu", "bjacobi", "asm", "lu", "gamg", "hypre", "ml", "icc")
    space = Space((methods, Choice("pc_type", kinds), Integer("ksp_gmres_restart", 2, 60)))
    count = len(names)
    box = np.full(count, 1e30)
    familiar = Standardisation(names, np.zeros(count), np.ones(count), -box, box)
    layer = Layer(rng.normal(size=(space.dim, count)), rng.normal(size=space.dim), "linear")
    from petsc4py import PETSc

    info = {
        "petsc": ".".join(map(str, PETSc.Sys.getVersion())),
        "features_version": FEATURES_VERSION,
    }
    return Model("policy", space, familiar, (layer,), info)


def measured(name: str, kind: str, command: list[str], model: Path) -> Row:
    """Run own settings, the model, and own settings again."""
    log = model / "run.jsonl"
    log.unlink(missing_ok=True)
    variables = launch.Conduct(log).environment()
    before = timed(command)
    seconds, missed, wall = timed(command, {**variables, "METASOLVE_DIR": str(model)})
    after = timed(command)
    own, whole = (before[0] + after[0]) / 2, (before[2] + after[2]) / 2
    lines = [json.loads(text) for text in log.read_text().splitlines()]
    overrun = max(each["seconds"]["setup"] for each in lines)
    sources = [each["source"] for each in lines]
    accepted = sum(source in ("model", "second", "switched") for source in sources)
    return Row(
        name,
        kind,
        seconds / own,
        wall / whole,
        overrun,
        (seconds - overrun) / own,
        sum(source != "refused" for source in sources),
        accepted,
        missed,
        before[1],
    )


def timed(command: list[str], variables: dict[str, str] | None = None) -> tuple[float, int, float]:
    """Seconds inside KSPSolve, answers that missed the tolerance, seconds of the whole program."""
    words = command
    if variables is not None:
        words = [sys.executable, "-m", "metasolve", "run", variables["METASOLVE_DIR"]]
        words += ["--log", variables["METASOLVE_LOG"], "--", *command]
    start = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - start
    found = re.search(r"missed (\d+) seconds (\S+)", done.stdout)
    if found is None:
        raise SystemExit(f"{command[0]} printed {done.stdout!r}")
    return float(found[2]), int(found[1]), wall


def line(row: Row) -> str:
    """One line for people."""
    return (
        f"{row.model:24}{row.kind:12} solver {row.solver:5.2f} ({row.solver_without:5.2f} without "
        f"a set-up of {row.overrun:.2f} s)  program {row.program:5.2f}  tried {row.tried:4}  "
        f"accepted {row.accepted:4}  missed {row.missed} (own {row.missed_own})"
    )


if __name__ == "__main__":
    sys.exit(main())
