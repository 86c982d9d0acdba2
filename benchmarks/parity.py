"""Accuracy parity: errors of answers under a model, beside what the program's own are good for.

The error of an answer is taken against a refined direct solve. Ours is divided by the larger of
the program's own error and the error that its own tolerance stands for: that of an answer whose
residual, in a random direction, just meets the tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from petsc4py import PETSc

from benchmarks.parity_reference import Reference
from benchmarks.parity_sources import Source
from benchmarks.parts import Part, Parts
from metasolve.errors import RecordingError, UsageError
from metasolve.petsc.contract import Kind
from metasolve.petsc.library import plugin
from metasolve.petsc.models import Models
from metasolve.petsc.options import Options
from metasolve.petsc.recorded_solve import RecordedSolve
from metasolve.petsc.recording import Recording
from metasolve.petsc.replay import configure
from metasolve.petsc.systems import System, Systems
from metasolve.report.result import Report, Result, Section, silent

Array = NDArray[np.float64]
CHOSEN = ("model", "second", "switched")
"""Sources of answers that are not the program's own."""


@dataclass(frozen=True)
class Limits:
    """What is compared of a recording.

    Attributes
    ----------
    most : systems of a source and a seed, taken evenly from what was recorded.
    largest : number of rows; larger systems are left out.
    """

    most: int = 12
    largest: int = 40_000


def run(
    sources: Sequence[Source],
    model: Path,
    seeds: Sequence[int],
    limits: Limits,
    out: Path | None = None,
    report: Report = silent,
) -> Result:
    """Compare the answers of a model with those of programs, on systems that they recorded.

    Parameters
    ----------
    out : keeps what is finished; the same comparison goes on from there.

    Raises
    ------
    UsageError
        If no system can be compared.
    """
    settings = {"model": model.name, "seeds": list(seeds), **asdict(limits)}
    parts, rows, summaries = Parts(out, settings), [], []
    for number, source in enumerate(sources):
        report(f"parity: {source.name}", number, len(sources))
        found: list[dict[str, Any]] = []
        left = 0
        for seed in seeds if source.drawn else seeds[:1]:
            measure = partial(_measured, source, seed, model, limits)
            part = parts.of(f"{source.file}-{seed}", measure)
            found += part["rows"]
            left += part["left out"]
        rows += [{"family or program": source.name, **each} for each in found]
        if found:
            summaries.append({"family or program": source.name, **summary(found, left)})
    if not rows:
        raise UsageError(f"no system of at most {limits.largest} rows can be replayed: record more")
    return Result("parity", settings, [Section("systems", rows), Section("parity", summaries)])


def summary(rows: Sequence[Part], left: int) -> dict[str, Any]:
    """Return the numbers of solves, and how errors of chosen settings compare.

    Systems that the program itself fails on have no ratio. Answers of its own settings are to be
    those that it has without us, bit for bit.
    """
    chosen = [row for row in rows if row["source"] in CHOSEN]
    ratios = [row["parity"] for row in chosen if row["own converged"]]
    return {
        "solves": len(rows),
        "chosen settings": len(chosen),
        "own ones fail": sum(not row["own converged"] for row in rows),
        "own ones changed": sum(not row["same"] for row in rows if row not in chosen),
        "left out": left,
        **spread(ratios),
    }


def spread(values: Sequence[float]) -> dict[str, float | None]:
    """Return geometric mean, 95 % quantile and the worst of ratios; None where there are none."""
    if not values:
        return {"geometric mean": None, "95 %": None, "worst": None}
    ratios = np.asarray(values)
    return {
        "geometric mean": float(np.exp(np.log(ratios).mean())),
        "95 %": float(np.quantile(ratios, 0.95)),
        "worst": float(ratios.max()),
    }


def _measured(source: Source, seed: int, model: Path, limits: Limits) -> Part:
    """Record a source and compare what it solved."""
    with TemporaryDirectory() as folder:
        source.record(seed, Path(folder) / "recording")
        try:
            recorded = [each.payload for each in Recording(Path(folder) / "recording").instances()]
        except RecordingError:  # it solves no linear system with PETSc
            recorded = []
        usable = [each for each in recorded if comparable(each, limits.largest)]
        chosen = usable[:: max(1, -(-len(usable) // limits.most))]
        systems, models = Systems(PETSc.COMM_SELF), Models(PETSc.COMM_SELF)
        rows = [_compared(each, systems, models, model) for each in chosen]
        models.destroy()
        systems.destroy()
    return {"rows": rows, "left out": len(recorded) - len(usable)}


def comparable(solve: RecordedSolve, largest: int) -> bool:
    """Whether it can be solved again, as the program asked for it, and has one solution."""
    own_test = solve.asked is not None and solve.asked.kind is Kind.OWN_TEST
    return (
        solve.host.replayable
        and not own_test
        and not solve.operator.null
        and solve.operator.rows <= largest
    )


def _compared(solve: RecordedSolve, systems: Systems, models: Models, model: Path) -> Part:
    system = systems.load(solve)
    b = system.b.getArray().copy()
    reference = Reference.of(matrix(system.A), b)
    own, reason, _ = _answer(system, solve)
    ours, _, record = _answer(system, solve, models, model)
    errors = {
        "own error": reference.error(own),
        "tolerance": reference.stood_for(b, solve.measure, solve.tolerance),
        "our error": reference.error(ours),
    }
    return {
        "system": solve.id,
        "rows": solve.operator.rows,
        "measure": solve.measure.value,
        "source": str(record.get("source", "")),
        "candidate": str(record.get("candidate", "")),
        "own converged": reason > 0,
        "same": bool(np.array_equal(own, ours)),
        **errors,
        "parity": errors["our error"] / max(errors["own error"], errors["tolerance"]),
    }


def _answer(
    system: System, solve: RecordedSolve, models: Models | None = None, model: Path | None = None
) -> tuple[Array, int, dict[str, Any]]:
    """Solve as the program does, or with the plug-in attached to its KSP."""
    ksp, x, record = PETSc.KSP().create(PETSc.COMM_SELF), system.start(), {}
    try:
        with Options(solve.host.options) as options:
            configure(ksp, system, solve, options)
            if models is not None and model is not None:
                models.attach(ksp, model)
                if solve.asked is not None:
                    plugin().tell(ksp, solve.asked)
            ksp.solve(system.b, x)
        if models is not None:
            record = plugin().last_record(ksp)
        answer: Array = x.getArray().copy()
        return answer, int(ksp.getConvergedReason()), record
    finally:
        ksp.destroy()
        x.destroy()


def matrix(A: PETSc.Mat) -> sp.csr_matrix:
    """A matrix of one rank, as scipy has it."""
    indptr, indices, data = A.getValuesCSR()
    return sp.csr_matrix((data, indices, indptr), shape=A.getSize())
