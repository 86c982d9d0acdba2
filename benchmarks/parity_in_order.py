"""Accuracy parity of sequences: answers with kept preconditioners and starts from earlier ones.

Systems are solved in the order of the program, by one KSP for each sequence, as the plug-in does in
production. A start from earlier solutions leaves another error than one from zero. Errors are
compared as in :mod:`benchmarks.parity`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from petsc4py import PETSc

from benchmarks.parity import CHOSEN, Array, Limits, comparable, matrix, spread
from benchmarks.parity_reference import Reference
from benchmarks.parity_sources import Source
from benchmarks.parts import Part, Parts
from metasolve.errors import UsageError
from metasolve.petsc.in_order import How, sequences, solve_in_order
from metasolve.petsc.recording import Recording
from metasolve.petsc.systems import Systems
from metasolve.report.evaluation import ANSWERED
from metasolve.report.result import Report, Result, Section, silent
from metasolve.solve.instance import Instance


def run(
    sources: Sequence[Source],
    model: Path,
    limits: Limits,
    out: Path | None = None,
    report: Report = silent,
) -> Result:
    """Compare the answers of a model with those of programs, in the order of the programs.

    Parameters
    ----------
    limits : `most` is of a sequence, taken evenly; all of it is solved.
    out : keeps what is finished; the same comparison goes on from there.

    Raises
    ------
    UsageError
        If no sequence can be compared.
    """
    parts = Parts(out, {"model": model.name, "most": limits.most, "largest": limits.largest})
    rows, summaries = [], []
    for number, source in enumerate(sources):
        report(f"parity in order: {source.name}", number, len(sources))
        part = parts.of(f"{source.file}-in-order", partial(_measured, source, model, limits))
        found: list[dict[str, Any]] = part["rows"]
        rows += [{"program": source.name, **each} for each in found]
        if found:
            summaries.append({"program": source.name, **summary(found)})
    if not rows:
        raise UsageError(
            f"no sequence of at most {limits.largest} rows can be replayed: record one"
        )
    settings = {"model": model.name, "most": limits.most, "largest": limits.largest}
    sections = [Section("systems", rows), Section("parity in order", summaries)]
    return Result("parity in order", settings, sections)


def summary(rows: Sequence[Part]) -> dict[str, Any]:
    """Return where chosen settings started, and how their errors compare.

    Systems that the program itself fails on have no ratio.
    """
    chosen = [row for row in rows if row["source"] in CHOSEN and row["own converged"]]
    starts = Counter(str(row["start"]) for row in chosen)
    return {
        "solves": len(rows),
        "chosen settings": len(chosen),
        "from earlier solutions": starts["earlier"],
        "kept": sum(row["preconditioner"] == "kept" for row in chosen),
        **spread([row["parity"] for row in chosen]),
    }


def _measured(source: Source, model: Path, limits: Limits) -> Part:
    with TemporaryDirectory() as folder:
        source.record(0, Path(folder) / "recording")
        recorded = Recording(Path(folder) / "recording").instances()
        usable = [each for each in recorded if comparable(each.payload, limits.largest)]
        rows = [row for each in sequences(usable) for row in _compared(each, model, limits.most)]
    return {"rows": rows}


def _compared(sequence: Sequence[Instance], model: Path, most: int) -> list[Part]:
    looked = {each.id for each in sequence[:: max(1, -(-len(sequence) // most))]}
    answers: dict[How, dict[str, Array]] = {How.OWN: {}, How.KEPT: {}}
    solved = {}
    for how, kept in answers.items():

        def seen(instance: Instance, x: PETSc.Vec, kept: dict[str, Array] = kept) -> None:
            if instance.id in looked:
                kept[instance.id] = x.getArray().copy()

        solved[how] = solve_in_order(sequence, model, how, seen)
    systems, rows = Systems(PETSc.COMM_SELF), []
    for instance, (own, _), (_, record) in zip(sequence, *solved.values(), strict=True):
        if instance.id in looked:
            mine, ours = (each[instance.id] for each in answers.values())
            told = {"own converged": own.reason in ANSWERED, **_told(record)}
            rows.append({**told, **_errors(systems, instance, mine, ours)})
    systems.destroy()
    return rows


def _told(record: Mapping[str, Any]) -> dict[str, Any]:
    names = ("source", "candidate", "preconditioner", "start", "iterations")
    return {name: record.get(name, "") for name in names}


def _errors(systems: Systems, instance: Instance, own: Array, ours: Array) -> Part:
    solve, system = instance.payload, systems.load(instance.payload)
    b = system.b.getArray().copy()
    reference = Reference.of(matrix(system.A), b)
    stood_for = reference.stood_for(b, solve.measure, solve.tolerance)
    mine, other = reference.error(ours), reference.error(own)
    return {
        "system": solve.id,
        "own error": other,
        "tolerance": stood_for,
        "our error": mine,
        "parity": mine / max(other, stood_for),
    }
