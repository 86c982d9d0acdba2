"""Measuring one program with one seed, for benchmark ``families``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.family_score import GLOBAL, OURS, ZERO, Amounts, Score
from metasolve.errors import UsageError
from metasolve.report.result import Report, silent

if TYPE_CHECKING:
    from metasolve.report.evaluation import Evaluation


def measure_program(
    case: Path, seed: int, amounts: Amounts, report: Report = silent
) -> list[Score]:
    """Train on runs of a program, learn a start of its Newton solves if there are any on one grid.

    Then measure on unseen runs.
    """
    from metasolve.program.evaluation import evaluate_case
    from metasolve.program.newton import learn_start
    from metasolve.program.training import train_case

    with TemporaryDirectory() as folder:
        model = train_case(case, folder, calls=amounts.calls, seed=seed, progress=report)
        what = str(model.info.get("winner", model.kind))
        with suppress(UsageError):
            start = learn_start(case, folder, seed=seed, progress=report)
            what += f", start of {start.modes} modes" * start.kept
        evaluation = evaluate_case(
            folder, repeats=amounts.repeats, limit=amounts.test, seed=seed, progress=report
        )
    return scores(evaluation, what)


def scores(evaluation: Evaluation, what: str) -> list[Score]:
    """Scores of what an evaluation compared."""
    from metasolve.report import evaluation as names

    found = evaluation.global_setting or {"calls": 0, "seconds": 0.0}
    spent = {
        names.DEFAULT: (ZERO, "", 0, 0.0),
        names.GLOBAL: (GLOBAL, "", found["calls"], found["seconds"]),
        names.MODEL: (OURS, what, evaluation.calls["train"], evaluation.training_seconds or 0.0),
    }
    result = []
    for name, (title, told, calls, seconds) in spent.items():
        outcomes = [evaluation.measured[name][each.id].outcome for each in evaluation.instances]
        iterations = [float(outcome.iterations) for outcome in outcomes]
        failed = (~evaluation.ok(name)).tolist()
        taken = evaluation.seconds(name).tolist()
        result.append(Score(title, told, taken, iterations, failed, calls, seconds))
    return result
