"""What the plug-in adds to a solve of a tiny system, in run mode and in record mode.

Run mode is compared with the same settings given by hand, so what remains is the plug-in: features
and forward pass (for a new operator), a fresh inner KSP, the recomputed residual, the log line.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from metasolve.model.directory import save
from metasolve.model.gate import Bells, Gate
from metasolve.model.layer import Layer
from metasolve.model.model import Model, Standardisation
from metasolve.petsc import library
from metasolve.petsc.recording import FEATURES_VERSION
from metasolve.production import journal
from metasolve.space import Choice, Space

PROGRAM = Path(__file__).with_name("tiny_solves.py")
SETTINGS = {"ksp_type": "gmres", "pc_type": "jacobi"}
BY_HAND = "-ksp_norm_type unpreconditioned " + " ".join(f"-{k} {v}" for k, v in SETTINGS.items())
PATTERNS = ("same operator", "new operator")


def main() -> None:
    """Measure, print a table, and write JSON if asked."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100)
    arguments.add_argument("--solves", type=int, default=2000)
    arguments.add_argument("--json", type=Path, metavar="FILE")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="metasolve-") as folder:
        found = measure(Path(folder), options.rows, options.solves)
    print(f"{options.rows} rows, medians of {options.solves} solves, microseconds")
    print(f"{'':34}" + "".join(f"{pattern:>16}" for pattern in PATTERNS))
    for name, values in found.items():
        print(f"{name:34}" + "".join(f"{1e6 * values[pattern]:16.1f}" for pattern in PATTERNS))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"rows": options.rows, "seconds": found}, indent=1))


def measure(folder: Path, rows: int, solves: int) -> dict[str, dict[str, float]]:
    """Seconds per solve by what is measured and by pattern."""
    model, recording, log = folder / "model", folder / "recording", folder / "run.jsonl"
    save(constant_model(), model)
    for name in ("operators", "vectors"):
        (recording / name).mkdir(parents=True)
    silent = {"METASOLVE_MODE": "run", "METASOLVE_DIR": str(model)}
    run = {**silent, "METASOLVE_LOG": str(log)}
    record = {"METASOLVE_MODE": "record", "METASOLVE_DIR": str(recording)}
    plug_in = f"{BY_HAND} -dll_append {library.build()}"
    found = {
        "settings given by hand": times(rows, solves, BY_HAND, {}),
        "run mode, same settings": times(rows, solves, plug_in, run),
        "run mode without a journal": times(rows, solves, plug_in, silent),
        "record mode": times(rows, solves // 10, plug_in, record),
    }
    check_used(log)
    by_hand = found["settings given by hand"]
    features = {"same operator": 0.0, "new operator": feature_seconds(rows, solves)}
    found["features"] = features
    found["overhead of run beyond features"] = {
        each: found["run mode, same settings"][each] - by_hand[each] - features[each]
        for each in PATTERNS
    }
    found["a line of the journal"] = {
        each: found["run mode, same settings"][each] - found["run mode without a journal"][each]
        for each in PATTERNS
    }
    found["overhead of record"] = {
        each: found["record mode"][each] - by_hand[each] for each in PATTERNS
    }
    return found


def times(rows: int, solves: int, options: str, variables: dict[str, str]) -> dict[str, float]:
    """Run the program in an environment of its own."""
    environment = {**os.environ, **variables, "PETSC_OPTIONS": options, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(PROGRAM), str(rows), str(solves)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    times: dict[str, float] = json.loads(done.stdout)
    return times


def feature_seconds(rows: int, repeats: int) -> float:
    """Median seconds of computing the features of the tiny system."""
    from petsc4py import PETSc

    plugin = library.plugin()
    A = PETSc.Mat().createAIJ([rows, rows], nnz=3)
    for i in range(rows):
        A.setValue(i, i, 3.0)
        for j in {max(i - 1, 0), min(i + 1, rows - 1)} - {i}:
            A.setValue(i, j, -1.0)
    A.assemble()
    b = A.createVecLeft()
    b.set(1.0)
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        plugin.features(A, b, 1e-5, 1e-50)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def constant_model() -> Model:
    """A model that chooses SETTINGS for whatever it sees, by a network of the usual size."""
    names = library.plugin().names
    space = Space((Choice("ksp_type", (SETTINGS["ksp_type"],)),), {"pc_type": SETTINGS["pc_type"]})
    count = len(names)
    box = np.full(count, 1e30)
    familiar = Standardisation(names, np.zeros(count), np.ones(count), -box, box)
    from petsc4py import PETSc

    info = {
        "petsc": ".".join(map(str, PETSc.Sys.getVersion())),
        "features_version": FEATURES_VERSION,
        "expected": [0.0] * (count + 1),
    }
    return Model("policy", space, familiar, network(count, 64, space.dim), info, open_gate(count))


def network(inputs: int, hidden: int, outputs: int) -> tuple[Layer, ...]:
    """As large as training makes them."""
    return (
        Layer(np.zeros((hidden, inputs)), np.zeros(hidden), "tanh"),
        Layer(np.zeros((hidden, hidden)), np.zeros(hidden), "tanh"),
        Layer(np.zeros((outputs, hidden)), np.zeros(outputs), "linear"),
    )


def open_gate(features: int, instances: int = 150) -> Gate:
    """A gate as of so many instances, which leaves nothing to the program."""
    some, lengths = np.arange(features), np.ones(features)
    host = Bells(some, lengths, np.zeros((instances, features)), np.ones(instances), 9.0)
    return Gate(network(features, 32, 2), host)


def check_used(log: Path) -> None:
    """A model that was refused would have cost nothing; own settings are measured now and then."""
    lines = journal.solves(log)
    used = sum(line["source"] == "model" for line in lines)
    if used < 0.8 * len(lines):
        sys.exit(f"plugin_overhead: {used} of {len(lines)} solves by the model")


if __name__ == "__main__":
    main()
