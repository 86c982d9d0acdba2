"""Training on a recording of PETSc solves. The only place in training that knows of PETSc."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from metasolve.errors import MetasolveError, UsageError
from metasolve.farm.cautious import DEATHS
from metasolve.farm.watchdog import GRACE
from metasolve.model.directory import load
from metasolve.model.model import Model
from metasolve.prior.expertise import Expertise, own_settings
from metasolve.prior.prior_file import read_prior
from metasolve.production.lessons import Entry, lessons
from metasolve.recorded.reading import Recordings, provenance, read, systems
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.space import Space
from metasolve.train.config import TrainConfig, shows_options
from metasolve.train.coverage import coverage, sentence
from metasolve.train.duration import Say, quiet
from metasolve.train.events import Event, read_events
from metasolve.train.past import EVENTS, grows, journal_of, read_past
from metasolve.train.session import repeat, silent, train_task
from metasolve.train.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from metasolve.farm import Farm, IsolatedSolver
    from metasolve.petsc.recorded_solve import HostOutcome, RecordedSolve
    from metasolve.petsc.recording import Recording

_Read = TypeVar("_Read")
_UNSEEN = {Reason.ERROR, Reason.CRASHED}  # failures that the plug-in cannot make good
_RUNS_ENOUGH = 8  # with so many starts of the program, whole runs validate, else single operators


@shows_options
def train(
    recording: Recordings,
    out: str | os.PathLike[str],
    *,
    space: Space | str | os.PathLike[str] | None = None,
    prefix: str | None = None,
    fresh: bool = False,
    comm: Any = None,
    ranks_per_solve: int = 1,
    replay: str | os.PathLike[str] | None = None,
    journal: str | os.PathLike[str] | None = None,
    progress: Callable[[str, int, int], None] = silent,
    say: Say = quiet,
    **options: Any,
) -> Model:
    """Learn which settings suit which of the recorded systems, from further solves of them.

    Parameters
    ----------
    recording : directory made by ``metasolve record``, or several of them.
    out : model directory; an interrupted training in it is continued. A finished one goes on with
        what it has measured, where there are more recordings now, or more calls.
    space : what may be set, or a file of it; by default chosen from what was recorded.
    prefix : learn only from the KSP with this options prefix.
    fresh : forget what `out` holds.
    comm : mpi4py communicator whose ranks share the solver calls; None for this process alone.
    ranks_per_solve : ranks that solve one system together.
    replay : model directory of a finished training: repeat it from its recorded costs, without a
        solver call; space, prefix and options are its own where they are not given.
    journal : of runs of the program under the prior: what candidates took corrects what the prior
        foresees. A training goes on with what it told when the training began.
    progress : called with what is being done, how much of it, and how much there is.
    say : told in a sentence, before the first solver call, how long it may take.
    **options : fields of `TrainConfig`: calls, seed, measure, ...

    Returns
    -------
    Model
        Also written to `out`, by the first rank.

    Raises
    ------
    UsageError
        When options are unknown, or `out` holds a different training.
    RecordingError
        When there is no recording or it is empty.

    Notes
    -----
    Collective: yes, on comm.
    """
    began = time.monotonic()
    recorded, out = read(recording), Path(out)
    first = comm is None or comm.rank == 0
    if replay is not None:
        if comm is not None:
            raise UsageError("replay calls no solver, so it needs no ranks: start it alone")
        model, events = load(Path(replay)), read_events(Path(replay) / EVENTS)
        chosen, prefix_ = _space(space or model.space, recorded), prefix or model.info["prefix"]
        task = _task(systems(recorded, prefix_), chosen, journal_of(events) or ())
        info = {key: model.info.get(key) for key in provenance(recorded, prefix)}
        _forget(out, fresh)
        return repeat(task, out, events, options, info, progress)
    _forget(out, fresh and first)
    past, told = _agreed(comm, lambda: _begun(out, journal))
    instances = systems(recorded, prefix)
    grown = grows(past, [each.id for each in instances])
    if grown is not None:
        options = {**options, "calls": grown.given(options.get("calls"))}
        space = space or grown.space
    config = TrainConfig.of(options)
    if journal is not None and (config.prior == "none" or config.measure != "seconds"):
        raise UsageError(
            f"journal={os.fspath(journal)!r} corrects the prior, which prior={config.prior}, "
            f"measure={config.measure} does not ask; leave --journal out"
        )
    task = _task(instances, _space(space, recorded), told)
    say(sentence(coverage(task.instances, task.groups), _grouped(task)))
    farm = _farm(task.space, comm, ranks_per_solve, out)
    ran_on = {"ranks": 1 if comm is None else comm.size, "ranks_per_solve": ranks_per_solve}
    with _closing(farm, comm):
        where, took = provenance(recorded, prefix), time.monotonic() - began
        return train_task(task, farm, out, config, past, where, first, progress, ran_on, say, took)


def _grouped(task: Task) -> str:
    runs = {each.id: each.payload.run for each in task.instances}
    return "runs" if task.groups == runs else "operators"


def task_of(
    recording: str | os.PathLike[str], space: Space | str | os.PathLike[str] | None = None
) -> Task:
    """What there is to learn from a recording."""
    recorded = read(recording)
    return _task(systems(recorded, None), _space(space, recorded), ())


@contextmanager
def opened(
    recording: str | os.PathLike[str], space: Space | str | os.PathLike[str] | None = None
) -> Iterator[tuple[Task, Farm]]:
    """A recording as a task, and a farm of this process alone that solves it; closed in the end."""
    task = task_of(recording, space)
    farm = _farm(task.space, None, 1, Path())
    with _closing(farm, None):
        yield task, farm


@contextmanager
def _closing(farm: Farm, comm: Any) -> Iterator[None]:
    """Close a farm in the end; not after what other ranks know nothing of: that is collective."""
    try:
        yield
    except BaseException as error:
        if comm is None or isinstance(error, MetasolveError):
            farm.close()
        raise
    farm.close()


def _forget(out: Path, fresh: bool) -> None:
    if fresh:
        for name in (EVENTS, DEATHS):
            (out / name).unlink(missing_ok=True)


def _begun(out: Path, journal: str | os.PathLike[str] | None) -> tuple[list[Event], list[Entry]]:
    """The events of a directory, and what the journal told when the first was logged, or tells."""
    past = read_past(out)
    told = journal_of(past)
    if told is None:
        told = [] if journal is None else lessons(Path(journal))
    return past, told


def _agreed(comm: Any, read: Callable[[], _Read]) -> _Read:
    """What the first rank reads, or what it fails with, on all ranks. Collective: yes, on comm."""
    if comm is None:
        return read()
    found: tuple[_Read | None, MetasolveError | None] = (None, None)
    if comm.rank == 0:
        try:
            found = read(), None
        except MetasolveError as damaged:
            found = None, damaged
    what, error = comm.bcast(found, root=0)
    if error is not None:
        raise error
    return cast("_Read", what)


def _space(space: Space | str | os.PathLike[str] | None, recorded: Recording) -> Space:
    from metasolve.petsc.spaces import check_space, default_space

    if space is None:
        return default_space(recorded)
    if not isinstance(space, Space):
        space = Space.from_toml(space)
    check_space(space)
    return space


def _task(instances: Sequence[Instance], space: Space, journal: Sequence[Entry]) -> Task:
    solves = {each.id: each.payload for each in instances}
    by_run = len({solve.run for solve in solves.values()}) >= _RUNS_ENOUGH
    groups = {key: each.run if by_run else each.operator.hash for key, each in solves.items()}
    expertise = _expertise(list(solves.values()), journal)
    recorded_ = {key: _recorded(each.outcome) for key, each in solves.items()}
    made_good = set(Reason) - _UNSEEN
    return Task(
        instances, space, groups, made_good=made_good, expertise=expertise, recorded=recorded_
    )


def _recorded(own: HostOutcome) -> Outcome:
    reason = Reason.CONVERGED if own.reason > 0 else Reason.DIVERGED
    taken = own.setup_seconds, own.solve_seconds
    return Outcome(reason, own.iterations, float(own.iterations), own.true_residual, *taken)


def _expertise(solves: Sequence[RecordedSolve], journal: Sequence[Entry]) -> Expertise:
    """What the shipped prior has to do with recorded solves."""
    prior = read_prior()
    own = [
        own_settings(
            prior.candidates,
            solve.host.ksp_type,
            solve.host.pc_type,
            solve.host.options.get("pc_factor_mat_solver_type", ""),
            solve.direct,
        )
        for solve in solves
    ]
    return Expertise(prior, own, any(solve.parallel for solve in solves), journal)


def isolated(
    space: Space, on_wait: Callable[[], object] | None = None, grace: float = GRACE
) -> IsolatedSolver:
    """A solver of recorded systems in a process of its own: settings that hang or crash are met.

    Parameters
    ----------
    on_wait, grace : see `IsolatedSolver`.
    """
    from metasolve.farm import IsolatedSolver
    from metasolve.farm.isolated import MEMORY_GROWTH
    from metasolve.petsc.replay import Replay
    from metasolve.petsc.systems import DEFAULT_BYTES

    return IsolatedSolver(
        partial(Replay, None, space),
        memory_growth=DEFAULT_BYTES + MEMORY_GROWTH,  # the systems it keeps are no leak
        grace=grace,
        on_wait=on_wait,
    )


def _farm(space: Space, comm: Any, ranks_per_solve: int, out: Path) -> Farm:
    from metasolve.farm import GroupFarm, SerialFarm, Watchdog
    from metasolve.farm.cautious import CautiousFarm
    from metasolve.petsc.replay import Replay

    if comm is None and ranks_per_solve != 1:
        raise UsageError(f"ranks_per_solve={ranks_per_solve}: start under mpiexec for that")
    if comm is None:
        return SerialFarm(isolated(space))
    if ranks_per_solve == 1:
        return GroupFarm(lambda group: isolated(space, group.Iprobe), comm)
    return CautiousFarm(
        lambda group: Watchdog(Replay(group, space), group), comm, ranks_per_solve, out
    )
