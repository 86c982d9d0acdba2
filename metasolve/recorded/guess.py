"""Learning where to start: an initial guess for the systems of one grid in a recording.

Solutions to learn from are computed to a tight tolerance, under the model's settings where there is
one, else under the program's own. Guesses of several sizes are then raced through the plug-in, as
in production, on systems they have not seen, each followed by the program's settings, the model's,
and such as were found to go on fastest from a guess; the fastest goes into the model directory if
it is faster than the model without.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from metasolve.errors import UsageError
from metasolve.model.directory import add_guess, load, save
from metasolve.model.model import Model
from metasolve.recorded.guess_race import Contender, Entry, copy_model, race
from metasolve.recorded.guess_search import search
from metasolve.recorded.reading import provenance
from metasolve.solve.instance import Instance
from metasolve.space import Space
from metasolve.train.guess_model import after_learning, nothing_chosen
from metasolve.train.inputs import usable

if TYPE_CHECKING:
    from metasolve.guess import Projected, ReducedGalerkin
    from metasolve.petsc.recorded_solve import RecordedSolve
    from metasolve.petsc.recording import Recording
    from metasolve.petsc.systems import System

MODES = (8, 16, 32, 64, 96, 128)
CALLS = 120
FEWEST = 12  # systems of one grid: fewer are better solved than learned from
_MOST_VALIDATING = 24
_WORTH = 0.98  # of the time without: a guess that gains less is the clock's noise
Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class LearnedGuess:
    """What came out.

    Attributes
    ----------
    contenders : everything that was raced, the model without a guess first.
    winner : None when no guess was faster.
    modes : of what was kept, which was learned once more, from the systems kept aside, too.
    options : PETSc's, of the contenders with settings of their own; none where none were found.
    learned, validated : numbers of systems.
    rows : unknowns of each.
    """

    contenders: Sequence[Contender]
    winner: Contender | None
    modes: int
    options: Mapping[str, str]
    learned: int
    validated: int
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def learn_guess(
    recording: str | os.PathLike[str],
    model: str | os.PathLike[str],
    *,
    modes: Sequence[int] = MODES,
    calls: int = CALLS,
    repeats: int = 3,
    seed: int = 0,
    progress: Progress = lambda *_: None,
) -> LearnedGuess:
    """Learn an initial guess and put it into a model directory, which is made if there is none.

    Parameters
    ----------
    recording : recording directory; its systems on the grid that most of them have are used.
    model : model directory. A new one holds nothing but the guess, and leaves the settings alone.
    modes : numbers of modes to try; those above the number of solutions are left out.
    calls : solver calls to find settings that go on from a guess, within what the model, or
        `default_space`, may set; 0 not to look for any.
    repeats : timed solves of each validation system by each contender.
    seed : of the systems that are held out, and of the search.

    Raises
    ------
    UsageError
        When fewer than 12 systems have one grid, or no solution can be computed.
    RecordingError, ModelError
        When recording or model cannot be read.
    """
    from metasolve.petsc.launch import is_of_program
    from metasolve.petsc.recording import Recording

    recorded, model, began = Recording(Path(recording)), Path(model), time.perf_counter()
    old = load(model) if (model / "model.json").exists() else None
    if is_of_program(model):
        raise UsageError(f"{model} was trained on a program, which has no systems: use another")
    family = _family(recorded)
    held = max(FEWEST // 3, min(_MOST_VALIDATING, len(family) // 4))
    order = np.random.default_rng([seed, 6]).permutation(len(family))
    validation = [family[i] for i in sorted(order[:held])]
    known = _solve(family, old, held + FEWEST // 2, progress)
    aside = {each.id for each in validation}
    solved = known.only(lambda each: each.id not in aside)
    guesses = list(_guesses(solved, modes))
    base = old or _nothing(recorded)
    options = _search(base.space, guesses, validation, calls, seed, progress)
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "0"
        copy_model(model, bare) if old else save(base, bare)
        followed = ["own"] + ["model"] * (base.kind != "default") + ["guess"] * bool(options)
        entries = _entries(solved, guesses, followed, options, _usual_seconds(family))
        contenders = race(bare, entries, validation, repeats, progress)
    through = [each for each in contenders if each.systems == held]
    winner = min(through, key=lambda each: (each.failures, each.time))
    found = winner if winner.modes and winner.time < _WORTH else None
    counts = len(solved.x), held, solved.x.shape[1]
    if found is None:
        return LearnedGuess(contenders, None, 0, options, *counts)
    if old is None:
        save(base, model)
    asked = min(each for each in modes if each >= found.modes)
    again = list(_guesses(known, [asked]))  # from those kept aside, too
    (final,) = _entries(known, again, [found.settings], options, _usual_seconds(family))
    spent_on = calls * bool(options) + repeats * sum(each.systems for each in contenders)
    spent = time.perf_counter() - began
    info = after_learning(base, "guess", family, len(family) + spent_on, spent)
    told = {"modes": final.modes, "options": options if found.settings == "guess" else {}}
    add_guess(model, final.data, info | {"guess": asdict(found) | told})
    return LearnedGuess(contenders, found, final.modes, options, *counts)


@dataclass(frozen=True)
class _Solved:
    """Systems with one sparsity pattern, and their solutions as rows of x."""

    instances: Sequence[Instance]
    matrices: Sequence[sp.csr_matrix]
    b: Array
    x: Array

    def only(self, wanted: Callable[[Instance], bool]) -> _Solved:
        """Some of them."""
        kept = [i for i, each in enumerate(self.instances) if wanted(each)]
        instances, matrices = ([of[i] for i in kept] for of in (self.instances, self.matrices))
        return _Solved(instances, matrices, self.b[kept], self.x[kept])


def _family(recorded: Recording) -> list[Instance]:
    """Instances on the grid most solves have, as far as its size and its nonzeros tell."""
    plain = [
        each
        for each in usable(recorded.instances())
        if each.payload.guess is None and each.payload.host.replayable
    ]
    grids = Counter(_grid(each) for each in plain)
    if not grids or grids.most_common(1)[0][1] < FEWEST:
        most = grids.most_common(1)[0][1] if grids else 0
        raise UsageError(
            f"{recorded.path}: at most {most} systems have one grid and no guess of the program's "
            f"own; record {FEWEST} or more with one number of unknowns"
        )
    grid = grids.most_common(1)[0][0]
    return [each for each in plain if _grid(each) == grid]


def _grid(instance: Instance) -> tuple[int, int]:
    return instance.payload.operator.rows, instance.payload.operator.nnz


def _solve(
    instances: Sequence[Instance], model: Model | None, fewest: int, progress: Progress
) -> _Solved:
    """Solutions of systems with the pattern of the first; those that cannot be had are left out."""
    from petsc4py import PETSc

    from metasolve.guess.reduced import same_pattern
    from metasolve.petsc.snapshots import TIGHT, matrix
    from metasolve.petsc.systems import Systems

    systems = Systems(PETSc.COMM_SELF)
    found: list[tuple[Instance, Any, Array, Array]] = []
    for done, instance in enumerate(instances, start=1):
        solve = replace(instance.payload, rtol=TIGHT)
        system = systems.load(solve)
        A, x = matrix(system), _solution(system, solve, model, instance.features)
        if x is not None and (not found or same_pattern(A, found[0][1])):
            found.append((instance, A, system.b.getArray().copy(), x))
        progress("solutions", done, len(instances))
    systems.destroy()
    if len(found) < fewest:
        raise UsageError(
            f"only {len(found)} of {len(instances)} systems have one sparsity pattern and can be "
            f"solved to {TIGHT:g} under the program's own settings or the model's; record others"
        )
    solved, matrices, sides, solutions = zip(*found, strict=True)
    return _Solved(solved, matrices, np.array(sides), np.array(solutions))


def _solution(
    system: System, solve: RecordedSolve, model: Model | None, features: Mapping[str, float]
) -> Array | None:
    """A solution under the model's settings; where these fail, under the program's own."""
    from metasolve.petsc.snapshots import solution

    x, settings = None, model.settings(features) if model is not None else {}
    if model is not None and settings:
        x = solution(system, solve, model.space.options(settings))
    return solution(system, solve) if x is None else x


def _guesses(solved: _Solved, modes: Sequence[int]) -> Iterator[ReducedGalerkin | Projected]:
    """One of each size, the smallest first."""
    from metasolve.guess import Pod, Projected, ReducedGalerkin
    from metasolve.petsc.snapshots import one_operator

    one = one_operator(solved.matrices)
    made: set[int] = set()
    guess: ReducedGalerkin | Projected
    for asked in sorted(modes):
        if one:
            guess = Projected(solved.x, solved.b, asked)
        else:
            guess = ReducedGalerkin(Pod.fit(solved.x, asked), solved.matrices, solved.b, asked)
        if guess.modes not in made:
            made.add(guess.modes)
            yield guess


def _search(
    space: Space,
    guesses: Sequence[ReducedGalerkin | Projected],
    validation: Sequence[Instance],
    calls: int,
    seed: int,
    progress: Progress,
) -> dict[str, str]:
    if not calls:
        return {}
    what = "settings that go with it"
    return search(space, guesses, validation, calls, seed, lambda done: progress(what, done, calls))


def _entries(
    solved: _Solved,
    guesses: Sequence[ReducedGalerkin | Projected],
    followed: Sequence[str],
    options: Mapping[str, str],
    seconds: float,
) -> Iterator[Entry]:
    """Every guess with the settings of everyone who may go on from it."""
    from metasolve.guess.guess_file import guess_bytes

    ways: dict[str, dict[str, Any]] = {
        "own": {"alone": True},
        "model": {},
        "guess": {"options": options, "expected": seconds},
    }
    for guess in guesses:
        for who in followed:
            data = guess_bytes(guess, solved.matrices[0], **ways[who])
            yield Entry(guess.modes, who, data)


def _usual_seconds(family: Sequence[Instance]) -> float:
    """What the program's own settings took, in the median."""
    return float(np.median([each.expected_seconds for each in family]))


def _nothing(recorded: Recording) -> Model:
    """A model that leaves the program's settings alone."""
    from metasolve.petsc.spaces import default_space

    known = usable(recorded.instances())
    return nothing_chosen(default_space(recorded), known, provenance(recorded, None))
