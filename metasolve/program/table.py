"""The tables of an evaluation of a program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.table import Table

from metasolve.report.evaluation import DEFAULT, MODEL, Evaluation


def instance_table(evaluation: Evaluation) -> Table:
    """One row per instance: seconds of every contender, and what the model chose."""
    table = Table(title="Median seconds per run")
    table.add_column("instance", overflow="fold")
    for name in (*evaluation.baselines(), MODEL, "speed-up"):
        table.add_column(name, justify="right")
    table.add_column("settings chosen", overflow="fold")
    names = [*evaluation.baselines(), MODEL]
    seconds = {name: evaluation.seconds(name) for name in names}
    ok = {name: evaluation.ok(name) for name in names}
    for i in np.argsort(seconds[DEFAULT], kind="stable"):
        cells = [_seconds(seconds[name][i], ok[name][i]) for name in names]
        ratio = f"{seconds[DEFAULT][i] / seconds[MODEL][i]:.2f}"
        each = evaluation.instances[i]
        record = evaluation.measured[MODEL][each.id].record
        table.add_row(each.id, *cells, ratio, _chosen(record))
    return table


def _seconds(seconds: float, ok: bool) -> str:
    return f"{seconds:.3f}" if ok else f"({seconds:.3f} failed)"


def _chosen(record: Mapping[str, Any]) -> str:
    if record.get("source") != "model":
        return f"{record.get('source')}: {record.get('why')}"
    return " ".join(f"{name}={value}" for name, value in record.get("settings", {}).items())


def rescues(evaluation: Evaluation) -> str:
    """How many failures of the program's own settings the model solves, and what it loses."""
    own, model = evaluation.ok(DEFAULT), evaluation.ok(MODEL)
    return (
        f"failures under the program's own settings: {int((~own).sum())}, rescued "
        f"{int((~own & model).sum())}; solved by them and lost: {int((own & ~model).sum())}"
    )
