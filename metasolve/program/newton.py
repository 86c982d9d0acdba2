"""Learning where a program's Newton solves start: F at its own start to a solution of F(x) = 0.

The program runs as it is, its nonlinear solves being recorded. What is learned from some of its
runs is then raced on others, through the plug-in, and kept if it pays.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metasolve.cost import Cost
from metasolve.errors import UsageError
from metasolve.guess.newton_file import NewtonGuess
from metasolve.instance import Instance
from metasolve.model.directory import NEWTON, add_guess, load, save
from metasolve.model.model import Model
from metasolve.program.case import Case, case_of
from metasolve.program.consistency import check_program
from metasolve.program.instances import instances
from metasolve.program.plugged import RECORD, plugged
from metasolve.program.process import run, scratch, sweep
from metasolve.program.reading import petsc_vectors
from metasolve.program.solver import ProgramSolver
from metasolve.program.start import start
from metasolve.solver import Budget
from metasolve.train.guess_model import after_learning, nothing_chosen
from metasolve.train.inputs import usable

FEWEST = 12  # solves on one grid
_ENTRIES, _MODES = (4, 8, 16), (8, 16, 32)
_MOST_VALIDATING = 12
_TRIALS = 4  # runs, after which it is foreseen whether that many will come
_WORTH = 0.98  # of the time without
Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class LearnedStart:
    """What came out.

    Attributes
    ----------
    entries, modes : of the start that was raced.
    error : largest relative error of any start left out in learning, in the 2-norm.
    time : total cost of the runs it was validated on, relative to those without.
    worst : largest such ratio of a single run.
    failures : runs that failed with it and not without.
    learned, validated : runs.
    rows : unknowns of each.
    kept : whether it went into the model directory.
    """

    entries: int
    modes: int
    error: float
    time: float
    worst: float
    failures: int
    learned: int
    validated: int
    rows: int
    kept: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def learn_start(
    case: str | os.PathLike,
    model: str | os.PathLike,
    *,
    runs: int = 48,
    repeats: int = 3,
    seed: int = 0,
    progress: Progress = lambda *_: None,
) -> LearnedStart:
    """Learn where nonlinear solves of a program start, and put it into a model directory.

    Parameters
    ----------
    case : of a program whose outermost nonlinear solver is PETSc's Newton method.
    model : model directory, trained on this case; a new one holds nothing but the start.
    runs : to learn from and to validate on, under the program's own settings.
    repeats : timed runs of each validation instance, with and without.

    Raises
    ------
    UsageError
        When fewer than 12 solves have one size, or the model is of something else.
    """
    program, model, began = Case.from_toml(Path(case)), Path(model), time.perf_counter()
    check_program(program)
    sweep()
    old = load(model) if (model / "model.json").exists() else None
    if old is not None and ("case" not in old.info or case_of(old).name != program.name):
        raise UsageError(f"{model} was trained on something else: use another directory")
    known = usable(instances(program, runs, seed))
    order = np.random.default_rng([seed, 8]).permutation(len(known))
    held = max(FEWEST // 3, min(_MOST_VALIDATING, len(known) // 4))
    solved = _record(program, [known[i] for i in order[held:]], progress)
    guess = min(
        (NewtonGuess.fit(*solved, entries, modes) for entries in _ENTRIES for modes in _MODES),
        key=lambda each: each.predict.error,
    )
    base = old or _nothing(program, known)
    with TemporaryDirectory() as folder:
        bare, candidate = Path(folder) / "bare", Path(folder) / "start"
        for each in (bare, candidate):
            save(base, each)
        add_guess(candidate, guess.to_bytes(), {}, NEWTON)
        validation = [known[i] for i in order[:held]]
        found = _validate(program, base, bare, candidate, validation, repeats, progress)
    kept = found["failures"] == 0 and found["time"] < _WORTH
    shape = {"entries": len(guess.look.entries), "modes": guess.basis.modes}
    counts = {"learned": len(solved[0]), "validated": held, "rows": guess.basis.size}
    result = LearnedStart(**shape, error=guess.predict.error, **found, **counts, kept=kept)
    if kept:
        if old is None:
            save(base, model)
        calls, spent = len(known) + 2 * repeats * held, time.perf_counter() - began
        info = after_learning(base, "newton", known, calls, spent) | {"newton": result.to_dict()}
        add_guess(model, guess.to_bytes(), info, NEWTON)
    return result


def _record(case: Case, known: Sequence[Instance], progress: Progress) -> tuple[Array, Array]:
    """F at the program's own starts and solutions, (solves, size) each, of the commonest size."""
    pairs: list[tuple[Array, Array]] = []
    for done, instance in enumerate(known, start=1):
        with scratch() as folder, TemporaryDirectory() as out:
            (Path(out) / "vectors").mkdir()
            begin = plugged(start(case, instance.payload, {}), RECORD, Path(out))
            run(begin, folder, case.timeout)
            pairs += _read(Path(out))
        progress("recording", done, len(known))
        size, count = _commonest(pairs)
        if done >= _TRIALS and count * len(known) < FEWEST * done:
            break
    if count < FEWEST:
        raise UsageError(
            f"case {case.name}: at most {count} nonlinear solves have one number of unknowns; vary "
            f"no grid, and run {FEWEST} or more whose solver is PETSc's Newton method"
        )
    F, x = zip(*(pair for pair in pairs if pair[0].size == size), strict=True)
    return np.array(F), np.array(x)


def _commonest(pairs: Sequence[tuple[Array, Array]]) -> tuple[int, int]:
    """The number of unknowns that most solves have, and how many do."""
    sizes = Counter(F.size for F, _ in pairs)
    return sizes.most_common(1)[0] if sizes else (0, 0)


def _read(recording: Path) -> Iterator[tuple[Array, Array]]:
    manifest = recording / "manifest.jsonl"
    for text in manifest.read_text().splitlines() if manifest.exists() else ():
        line = json.loads(text)
        if line["kind"] == "nonlinear" and line["vectors"]:
            F, x = petsc_vectors((recording / line["vectors"]).read_bytes())
            if np.linalg.norm(F) > 0:
                yield F, x


def _validate(
    case: Case,
    model: Model,
    bare: Path,
    candidate: Path,
    validation: Sequence[Instance],
    repeats: int,
    progress: Progress,
) -> dict[str, Any]:
    """The model's runs with the start and without it, in turn."""
    from metasolve.report.contenders import measure

    def under(directory: Path) -> Any:
        solver = ProgramSolver(case, directory)

        def solve(instance: Instance) -> Any:
            why = model.refuses(instance.features)
            settings = {} if why else model.settings(instance.features)
            return solver.solve(instance, settings, Budget()), {}

        return solve

    done = iter(range(1, len(validation) + 1))
    rivals = {"without": under(bare), "with": under(candidate)}
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
    failed = [
        not found["with"][i.id].outcome.ok and found["without"][i.id].outcome.ok for i in validation
    ]
    ratio = taken["with"] / taken["without"]
    total = float(taken["with"].sum() / taken["without"].sum())
    return {"time": total, "worst": float(ratio.max()), "failures": sum(failed)}


def _nothing(case: Case, known: Sequence[Instance]) -> Model:
    """A model that leaves the program's settings alone."""
    info = {
        "case": case.to_dict(),
        "instances": [each.payload for each in known],
        "measure": "seconds" if case.cost.unit == "seconds" else "iterations",
    }
    return nothing_chosen(case.space, known, info)
