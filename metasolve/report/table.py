"""The tables of an evaluation."""

from __future__ import annotations

import numpy as np
from rich.table import Table

from metasolve.report.evaluation import (
    DEFAULT,
    EQUAL,
    GLOBAL,
    HAND,
    MODEL,
    NEAREST,
    ORACLE,
    Evaluation,
)
from metasolve.train.pace import in_words

_TITLES = {
    DEFAULT: "the program's own settings",
    EQUAL: "the same, to equal true residual",
    GLOBAL: "best global setting, equal calls",
    HAND: "a hand rule: symmetry and size",
    NEAREST: "4 nearest neighbours, the same calls",
    ORACLE: "the best settings of each instance",
}
_SHORT = {EQUAL: "equal res.", HAND: "hand rule"}


def instance_table(evaluation: Evaluation) -> Table:
    """One row per instance: milliseconds of every contender, and what the model chose."""
    table = Table(title="Median milliseconds per solve, set-up, inference and checks included")
    table.add_column("rows", justify="right")
    for name in (*evaluation.baselines(), MODEL):
        table.add_column(_SHORT.get(name, name), justify="right")
    table.add_column("speed-up", justify="right")
    table.add_column("settings chosen", overflow="fold")
    seconds = {name: evaluation.seconds(name) for name in evaluation.measured}
    ok = {name: evaluation.ok(name) for name in evaluation.measured}
    size = [each.payload.operator.rows for each in evaluation.instances]
    for i in np.argsort(size, kind="stable"):
        cells = [_time(seconds[n][i], ok[n][i]) for n in (*evaluation.baselines(), MODEL)]
        ratio = f"{seconds[DEFAULT][i] / seconds[MODEL][i]:.2f}"
        table.add_row(str(size[i]), *cells, ratio, _chosen(evaluation, i))
    return table


def _time(seconds: float, ok: bool) -> str:
    return f"{1e3 * seconds:.2f}" if ok else f"({1e3 * seconds:.2f} failed)"


def _chosen(evaluation: Evaluation, index: int) -> str:
    record = evaluation.measured[MODEL][evaluation.instances[index].id].record
    chosen = " ".join(
        value if name in ("ksp_type", "pc_type") else f"{short(name)}={value}"
        for name, value in record.get("settings", {}).items()
    )
    if record.get("source") == "model":
        return f"prior: {chosen}" if record.get("unfamiliar") else chosen
    return f"{record.get('source')}: {record.get('why')}"


def short(name: str) -> str:
    """An option's name without what the type already says."""
    for prefix in ("pc_hypre_boomeramg_", "pc_gamg_", "pc_factor_", "mg_levels_", "ksp_", "pc_"):
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def summary_table(evaluation: Evaluation) -> Table:
    """One row per baseline: how much faster the model is, and how often each failed."""
    table = Table(title=f"{len(evaluation.instances)} instances not trained on")
    titles = ("geometric mean", "median", "worst", "best", "total time", "failures", "re-solved")
    table.add_column("model against")
    for title in titles:
        table.add_column(title, justify="right")
    for name in evaluation.baselines():
        found = evaluation.speedup(name)
        keys = ("geomean", "median", "worst", "best", "total")
        cells = [f"{found[key]:.2f}x" if found.get(key) is not None else "-" for key in keys]
        failures, resolved = int((~evaluation.ok(name)).sum()), found.get("resolved")
        last = "-" if resolved is None else f"{resolved:.2f}x"
        table.add_row(_TITLES.get(name, name), *cells, str(failures), last)
    return table


def summary_lines(evaluation: Evaluation) -> list[str]:
    """What the tables leave out, in words."""
    sources, calls = evaluation.sources(), evaluation.calls
    strongest, unfamiliar = evaluation.strongest(), evaluation.unfamiliar()
    lines = [
        *([f"strongest baseline: {_TITLES.get(strongest, strongest)}"] if strongest else []),
        *_over_oracle(evaluation),
        f"model: {int((~evaluation.ok(MODEL)).sum())} failures, {evaluation.wrong_results()} wrong "
        f"results, {sources['fallback']} fallbacks, {sources['refused']} left to the program"
        + (f", {sources['switched']} at first" if sources["switched"] else "")
        + (f", {sources['second']} by the second choice" if sources["second"] else "")
        + (f", {unfamiliar} unfamiliar, where the prior chose" if unfamiliar else ""),
        f"solver calls: training {calls.get('train', 0)}"
        + (f", global search {calls['global']}" if "global" in calls else ""),
    ]
    if evaluation.in_order is not None:
        lines.append(evaluation.in_order.line())
    solves, took = evaluation.break_even_solves(), evaluation.training_seconds
    if solves is not None and took is not None:
        paid = f"paid back after {np.ceil(solves):.0f} solves like these"
        lines.append(f"training took {in_words(took)} of wall time, {paid}")
    elif evaluation.training_seconds is not None:
        lines.append("training is not paid back: the model saves no time on these solves")
    return lines


def _over_oracle(evaluation: Evaluation) -> list[str]:
    if ORACLE not in evaluation.measured:
        return []
    found = evaluation.over_oracle(MODEL)
    words = [f"{found[key]:.2f} ({key})" for key in found if found[key] is not None]
    return [f"model's time over the best of all tried: {', '.join(words)}"] if words else []
