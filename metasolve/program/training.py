"""Training on a program: further runs of it, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from metasolve.errors import UsageError
from metasolve.farm import SerialFarm
from metasolve.model.model import Model
from metasolve.program.case import Case
from metasolve.program.case_file import read_case
from metasolve.program.consistency import check, check_program
from metasolve.program.instances import instances
from metasolve.program.process import sweep
from metasolve.program.solver import ProgramSolver
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Reason
from metasolve.solve.solver import Budget
from metasolve.space import Space
from metasolve.train.config import TrainConfig
from metasolve.train.duration import Say, quiet
from metasolve.train.inputs import usable
from metasolve.train.past import EVENTS, read_past
from metasolve.train.session import silent, train_task
from metasolve.train.task import Task

_REFERENCE_SHARE = 0.2  # of the calls, as the trainer has it: more instances would not be run
_LEAST_INSTANCES = 8
_TRIALS = 4  # instances on which the program may fail before the case is taken to be wrong


def train_case(
    case: Case | str | Path,
    out: str | Path,
    *,
    space: str | Path | None = None,
    fresh: bool = False,
    progress: Callable[[str, int, int], None] = silent,
    say: Say = quiet,
    **options: Any,
) -> Model:
    """Learn which settings suit which instance of a program.

    Parameters
    ----------
    case : the program, or its case.toml.
    out : model directory; an interrupted training in it is continued.
    space : file of what may be set, instead of the case's own.
    fresh : forget what `out` holds.
    progress : called with what is being done, how much of it, and how much there is.
    say : told in a sentence, before the trained runs, how long they may take.
    **options : fields of `TrainConfig`, except the measure: the case has it.

    Raises
    ------
    UsageError
        If the case or an option is invalid, the program cannot be found, or fails under its own
        settings wherever it is tried.
    ReadingError
        If a successful run does not hold what the case reads from it.
    """
    began = time.monotonic()
    case = case if isinstance(case, Case) else read_case(case)
    if space is not None:
        case = case.model_copy(update={"space_": Space.from_toml(space).to_dict()})
        check(case)
    config = _config(case, options)
    if not case.space.settings:
        raise UsageError(f"case {case.name}: space has no setting; add a [[space.setting]] table")
    check_program(case)
    sweep()
    out, solver = Path(out), ProgramSolver(case)
    if fresh:
        (out / EVENTS).unlink(missing_ok=True)
    past = read_past(out)
    known = usable(instances(case, instance_count(config.calls), config.seed))
    if not past:
        probe(solver, known)
    info = {"case": case.to_dict(), "instances": [each.payload for each in known]}
    # Each run is a process of its own; one that takes too long is ended by nobody in production.
    made_good = {Reason.DIVERGED} if case.rerunnable else set()
    task = Task(known, case.space, warms=False, made_good=made_good)
    farm, took = SerialFarm(solver), time.monotonic() - began
    return train_task(task, farm, out, config, past, info, progress=progress, say=say, before=took)


def instance_count(calls: int) -> int:
    """Instances to draw for a budget of solver calls."""
    return max(_LEAST_INSTANCES, int(_REFERENCE_SHARE * calls))


def probe(solver: ProgramSolver, known: Sequence[Instance]) -> None:
    """Run the program as it is, until it succeeds on an instance.

    Raises
    ------
    UsageError
        If it cannot be started, or succeeds nowhere.
    ReadingError
        If its cost or answer cannot be read.
    """
    if not known:
        raise UsageError(f"case {solver.case.name}: no instance; widen [[vary]] or add runs")
    for instance in known[:_TRIALS]:
        outcome = solver.solve(instance, {}, Budget())
        if outcome.ok:
            return
    raise UsageError(
        f"case {solver.case.name}: the program fails under its own settings on the first "
        f"{len(known[:_TRIALS])} instances, last on {instance.id!r}: {outcome.message}; correct "
        "the command, [success] or the timeout"
    )


def _config(case: Case, options: dict[str, Any]) -> TrainConfig:
    measure = "seconds" if case.cost.unit == "seconds" else "iterations"
    asked = case.train.model_dump(exclude_none=True)
    return TrainConfig.of({**asked, **options, "measure": measure})
