"""Learning where a program's Newton solve starts: from what varies between runs to a solution.

The program runs, the first nonlinear solve of each run being recorded. What is learned from some
runs is then raced on others, through the plug-in, and kept if it pays.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from metasolve.errors import UsageError
from metasolve.guess.newton_file import NewtonGuess
from metasolve.model.directory import NEWTON, add_guess, load, save
from metasolve.model.model import Model
from metasolve.program.case import Case
from metasolve.program.case_file import case_of, read_case
from metasolve.program.consistency import check_program
from metasolve.program.instances import instances
from metasolve.program.process import sweep
from metasolve.program.solutions import FEWEST, settings_of, solutions_of
from metasolve.program.solver import ProgramSolver
from metasolve.solve.cost import Cost
from metasolve.solve.instance import Instance
from metasolve.solve.solver import Budget
from metasolve.train.guess_model import after_learning, nothing_chosen
from metasolve.train.inputs import usable

if TYPE_CHECKING:
    from metasolve.baselines.contenders import Measurements
    from metasolve.solve.outcome import Outcome

_MODES = (8, 16, 32)
_MOST_VALIDATING = 12
_RUNS = "runs"  # folder of the model directory: solutions recorded so far
_WORTH = 0.98  # of the time without
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class LearnedStart:
    """What came out.

    Attributes
    ----------
    modes : of the start that was raced.
    error : median relative error of starts left out in learning, in the 2-norm.
    time : total cost of the runs it was validated on, relative to those without.
    worst : largest such ratio of a single run.
    failures : runs that failed with it and not without.
    reasons : of each of them, where it was and why.
    learned, validated : runs.
    rows : unknowns of the basis.
    grids : on which it learned.
    kept : whether it went into the model directory.
    """

    modes: int
    error: float
    time: float
    worst: float
    failures: int
    reasons: tuple[str, ...]
    learned: int
    validated: int
    rows: int
    grids: int
    kept: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def learn_start(
    case: str | os.PathLike[str],
    model: str | os.PathLike[str],
    *,
    runs: int = 96,
    repeats: int = 3,
    seed: int = 0,
    progress: Progress = lambda *_: None,
) -> LearnedStart:
    """Learn where the nonlinear solve of a program starts, and put it into a model directory.

    After a kill, runs recorded before are not made again.

    Parameters
    ----------
    case : of a program whose outermost nonlinear solver is PETSc's Newton method.
    model : model directory, trained on this case; a new one holds nothing but the start.
    runs : to learn from and to validate on, under the model's settings where it has them.
    repeats : timed runs of each validation instance, with and without.

    Raises
    ------
    UsageError
        When fewer than 12 solutions are on grids of one kind or of one length, or the model is of
        something else.
    """
    program, model, began = read_case(Path(case)), Path(model), time.perf_counter()
    check_program(program)
    sweep()
    old = load(model) if (model / "model.json").exists() else None
    if old is not None and ("case" not in old.info or case_of(old).name != program.name):
        raise UsageError(f"{model} was trained on something else: use another directory")
    known = usable(instances(program, runs, seed))
    base = old or _nothing(program, known)
    order = np.random.default_rng([seed, 8]).permutation(len(known))
    held = max(FEWEST // 3, min(_MOST_VALIDATING, len(known) // 4))
    seen = [known[i] for i in order[held:]]
    try:
        solved = solutions_of(program, base, seen, model / _RUNS, progress)
    except UsageError:
        _forget(model)
        raise
    inputs, solutions = zip(*((base.inputs(i.features), x) for i, x in solved), strict=True)
    fitted = (NewtonGuess.fit(inputs, solutions, modes) for modes in _MODES)
    guess = min(fitted, key=lambda each: each.error)
    with TemporaryDirectory() as folder:
        add_guess(save(base, Path(folder) / "model"), guess.to_bytes(), {}, NEWTON)
        candidate, validation = load(Path(folder) / "model"), [known[i] for i in order[:held]]
        found = _validate(program, candidate, validation, repeats, progress)
    _forget(model)
    kept = found["failures"] == 0 and found["time"] < _WORTH
    result = LearnedStart(
        modes=guess.basis.modes,
        error=guess.error,
        **found,
        learned=len(solved),
        validated=held,
        rows=guess.basis.size,
        grids=len({x.shape for x in solutions}),
        kept=kept,
    )
    if kept:
        if old is None:
            save(base, model)
        calls, spent = len(known) + 2 * repeats * held, time.perf_counter() - began
        info = after_learning(base, "newton", known, calls, spent) | {"newton": result.to_dict()}
        add_guess(model, guess.to_bytes(), info, NEWTON)
    return result


def _forget(model: Path) -> None:
    """Remove the recorded solutions, and the directory if it holds nothing else."""
    shutil.rmtree(model / _RUNS, ignore_errors=True)
    with suppress(OSError):
        model.rmdir()


def _validate(
    case: Case,
    model: Model,
    validation: Sequence[Instance],
    repeats: int,
    progress: Progress,
) -> dict[str, Any]:
    """The model's runs with the start in its directory and without it, in turn."""
    from metasolve.baselines.contenders import measure

    def under(model: Model) -> Any:
        solver = ProgramSolver(case, model)

        def solve(instance: Instance) -> Any:
            return solver.solve(instance, settings_of(model, instance), Budget()), {}

        return solve

    done = iter(range(1, len(validation) + 1))
    rivals = {"without": under(replace(model, directory=None)), "with": under(model)}
    found = measure(
        rivals, validation, repeats, lambda: progress("race", next(done), len(validation))
    )
    cost = Cost(model.info["measure"], model.info["cap"])
    taken = {
        name: np.array(
            [np.median([cost.quantity(o, i) for o in each[i.id].outcomes]) for i in validation]
        )
        for name, each in found.items()
    }
    lost = {name: {i.id: _failure(each[i.id]) for i in validation} for name, each in found.items()}
    reasons = tuple(
        f"{run}: {failed.message}"
        for run, failed in lost["with"].items()
        if failed is not None and lost["without"][run] is None
    )
    ratio = taken["with"] / taken["without"]
    total = float(taken["with"].sum() / taken["without"].sum())
    worst = float(ratio.max())
    return {"time": total, "worst": worst, "failures": len(reasons), "reasons": reasons}


def _failure(measured: Measurements) -> Outcome | None:
    """The first repeat that failed."""
    return next((outcome for outcome in measured.outcomes if not outcome.ok), None)


def _nothing(case: Case, known: Sequence[Instance]) -> Model:
    """A model that leaves the program's settings alone."""
    info = {
        "case": case.to_dict(),
        "instances": [each.payload for each in known],
        "measure": "seconds" if case.cost.unit == "seconds" else "iterations",
    }
    return nothing_chosen(case.space, known, info)
