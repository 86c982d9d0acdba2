"""Training on a recording of PETSc solves. The only place in training that knows of PETSc."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from metasolve.errors import UsageError
from metasolve.instance import Instance
from metasolve.model.model import Model
from metasolve.space import Space
from metasolve.train.config import TrainConfig
from metasolve.train.events import Event, read_events
from metasolve.train.inputs import usable
from metasolve.train.session import EVENTS, silent, train_task
from metasolve.train.trainer import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from metasolve.farm import Farm
    from metasolve.petsc.recording import Recording

_RUNS_ENOUGH = 8  # with so many starts of the program, whole runs validate, else single operators


def train(
    recording: str | Path,
    out: str | Path,
    *,
    space: Space | str | Path | None = None,
    prefix: str | None = None,
    fresh: bool = False,
    comm: Any = None,
    ranks_per_solve: int = 1,
    progress: Callable[[str, int, int], None] = silent,
    **options: Any,
) -> Model:
    """Learn which settings suit which of the recorded systems, from further solves of them.

    Parameters
    ----------
    recording : directory made by ``metasolve record``.
    out : model directory; an interrupted training in it is continued.
    space : what may be set, or a file of it; by default chosen from what was recorded.
    prefix : learn only from the KSP with this options prefix.
    fresh : forget what `out` holds.
    comm : mpi4py communicator whose ranks share the solver calls; None for this process alone.
    ranks_per_solve : ranks that solve one system together.
    progress : called with what is being done, how much of it, and how much there is.
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
    from metasolve.petsc.recording import Recording

    config = _config(options)
    recorded = Recording(Path(recording))
    task = _task(recorded, _space(space, recorded), prefix)
    out = Path(out)
    info = {
        "recording": str(recorded.path),
        "petsc": recorded.runs[-1].petsc,
        "features_version": recorded.runs[-1].features_version,
        "prefix": prefix,
    }
    first = comm is None or comm.rank == 0
    past: list[Event] = [] if fresh or not first else read_events(out / EVENTS)
    if comm is not None:
        past = comm.bcast(past, root=0)
    if fresh and first:
        (out / EVENTS).unlink(missing_ok=True)
    farm = _farm(task.space, comm, ranks_per_solve)
    return train_task(task, farm, out, config, past, info, writes=first, progress=progress)


def _config(options: dict[str, Any]) -> TrainConfig:
    from pydantic import ValidationError

    try:
        return TrainConfig(**options)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{key}={first['input']!r}: {first['msg']}") from error


def _space(space: Space | str | Path | None, recorded: Recording) -> Space:
    if isinstance(space, Space):
        return space
    if space is not None:
        return Space.from_toml(Path(space))
    from metasolve.petsc.spaces import default_space

    return default_space(recorded)


def _task(recorded: Recording, space: Space, prefix: str | None) -> Task:
    instances: list[Instance] = recorded.instances()
    if prefix is not None:
        known = sorted({each.payload.prefix for each in instances})
        instances = [each for each in instances if each.payload.prefix == prefix]
        if not instances:
            raise UsageError(f"prefix={prefix!r} was not recorded; recorded: {known}")
    clean = usable(instances)
    if not clean:
        raise UsageError(f"{recorded.path}: no solve has finite features: record others")
    solves = {each.id: each.payload for each in clean}
    by_run = len({solve.run for solve in solves.values()}) >= _RUNS_ENOUGH
    groups = {key: each.run if by_run else each.operator.hash for key, each in solves.items()}
    return Task(clean, space, groups)


def _farm(space: Space, comm: Any, ranks_per_solve: int) -> Farm:
    from metasolve.farm import GroupFarm, SerialFarm
    from metasolve.petsc.replay import Replay

    if comm is None:
        if ranks_per_solve != 1:
            raise UsageError(f"ranks_per_solve={ranks_per_solve}: start under mpiexec for that")
        return SerialFarm(Replay(space=space))
    return GroupFarm(lambda group: Replay(group, space), comm, ranks_per_solve)
