"""`CautiousFarm`: groups of ranks that learn from evaluations the job died of."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metasolve.farm.groups import GroupFarm
from metasolve.farm.request import Request
from metasolve.farm.underway import under_way
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Solver

if TYPE_CHECKING:
    from mpi4py.MPI import Comm, Intracomm

DEATHS = "deaths.json"
_WHY = "the job died twice during this evaluation, the second time while nothing else was running"


class CautiousFarm(GroupFarm):
    """A `GroupFarm` that survives, one run later, what it cannot contain: a crash kills the job.

    What was under way when a run died is evaluated by the next one while nothing else runs, as the
    death may have had another cause, such as the end of the job's time. What was under way when two
    runs died is `Reason.CRASHED` and not tried again.

    Parameters
    ----------
    make_solver, comm, ranks_per_solve
        As for `GroupFarm`.
    folder
        Where runs note what they evaluate, and what they died of; the same for each.

    Notes
    -----
    Collective: yes, on `comm`.
    """

    def __init__(
        self,
        make_solver: Callable[[Comm], Solver],
        comm: Intracomm,
        ranks_per_solve: int,
        folder: Path,
    ) -> None:
        super().__init__(make_solver, comm, ranks_per_solve, folder)
        deaths = comm.bcast(_deaths(folder) if comm.rank == 0 else None)
        self._deaths: Counter[str] = Counter(deaths)

    def evaluate(self, requests: Sequence[Request]) -> list[Outcome]:
        """As `GroupFarm.evaluate`. Collective: yes, on comm."""
        died = [self._deaths[_key(each.instance.id, each.settings)] for each in requests]
        outcomes = {
            index: Outcome.failure(Reason.CRASHED, _WHY)
            for index, times in enumerate(died)
            if times > 1
        }
        alone = [[index] for index, times in enumerate(died) if times == 1]
        together = [index for index, times in enumerate(died) if times == 0]
        for part in (*alone, together):
            made = super().evaluate([requests[index] for index in part])
            outcomes |= dict(zip(part, made, strict=False))
        known = next((i for i in range(len(requests)) if i not in outcomes), len(requests))
        return [outcomes[index] for index in range(known)]


def _deaths(folder: Path) -> list[str]:
    """What runs died during, once per run; notes of the last run are added to it."""
    file = folder / DEATHS
    deaths: list[str] = json.loads(file.read_text()) if file.exists() else []
    last = [_key(each["instance"], each["settings"]) for each in under_way(folder)]
    # In this order: a kill in between forgets a death rather than to count it twice.
    for note in folder.glob("under-way-*.json"):
        note.unlink()
    if last:
        deaths += last
        fresh = file.with_suffix(".tmp")
        fresh.write_text(json.dumps(deaths))
        fresh.replace(file)
    return deaths


def _key(instance: str, settings: Mapping[str, Any]) -> str:
    return json.dumps([instance, dict(settings)], sort_keys=True)
