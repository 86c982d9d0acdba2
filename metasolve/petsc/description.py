"""What a recording or a model holds, as plain JSON."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

from metasolve.model.directory import verified
from metasolve.model.document import read_document
from metasolve.petsc.recording import Recording


def of_recording(recording: Recording) -> dict[str, Any]:
    """Describe a recording: operators, sizes, ranks, hosts, features, what was left out."""
    solves = recording.solves
    operators = recording.operators().values()
    return {
        "kind": "recording",
        "path": str(recording.path),
        "petsc": sorted({run.petsc for run in recording.runs}),
        "runs": len(recording.runs),
        "solves": len(solves),
        "operators": len(operators),
        "bytes": sum(file.stat().st_size for file in recording.path.rglob("*") if file.is_file()),
        "rows": _range([operator.rows for operator in operators]),
        "nonzeros": _range([operator.nnz for operator in operators]),
        "ranks": sorted({solve.ranks for solve in solves}),
        "prefixes": sorted({solve.prefix for solve in solves}),
        "symmetric": sum(operator.asymmetry < 1e-10 for operator in operators),
        "null_spaces": sum(bool(operator.null) for operator in operators),
        "near_null_spaces": sum(bool(operator.near) for operator in operators),
        "tolerances": sorted({solve.rtol for solve in solves}),
        "hosts": _hosts(recording),
        "failed_by_default": sum(solve.outcome.reason <= 0 for solve in solves),
        "seconds": {
            "setup": sum(solve.outcome.setup_seconds for solve in solves),
            "solve": sum(solve.outcome.solve_seconds for solve in solves),
            "recording": sum(solve.overhead_seconds for solve in solves),
        },
        "features": {
            name: _range([solve.features[name] for solve in solves])
            for name in recording.feature_names()
        },
        "not_recorded": [
            {"why": why, "times": times}
            for why, times in (
                Counter(entry.why for entry in recording.skipped) + recording.left
            ).most_common()
        ],
    }


def _hosts(recording: Recording) -> list[dict[str, Any]]:
    counted = Counter(
        (s.host.ksp_type, s.host.pc_type, s.host.replayable, s.host.why) for s in recording.solves
    )
    return [
        {"ksp_type": ksp, "pc_type": pc, "solves": n, "replayable": replayable, "why": why}
        for (ksp, pc, replayable, why), n in counted.most_common()
    ]


def _range(values: list[float]) -> list[float]:
    finite = [value for value in values if math.isfinite(value)]
    return [min(finite), max(finite)] if finite else []


def of_model(directory: Path) -> dict[str, Any]:
    """Describe a model: model.json, and how its policy looks to the plug-in.

    Raises
    ------
    ModelError
        If a file is missing, malformed or changed since it was written.
    """
    document, found = read_document(directory)
    policy = verified(directory, "policy.txt", document.checksums).decode(errors="replace")
    first = {line.split(" ", 1)[0]: line for line in reversed(policy.splitlines()) if line}
    return {
        "path": str(directory.absolute()),
        **found,
        "kind": "model",
        "chosen": document.kind,
        "policy": {
            key: first.get(key, "").partition(" ")[2]
            for key in ("petsc", "kind", "features", "expected", "layers", "settings")
        },
    }
