"""Where evaluations run: in this process, in a worker process, on groups of MPI ranks."""

from metasolve.farm.farm import Farm, SerialFarm, attempt
from metasolve.farm.groups import GroupFarm
from metasolve.farm.isolated import IsolatedSolver
from metasolve.farm.request import Request
from metasolve.farm.underway import under_way
from metasolve.farm.watchdog import Watchdog

__all__ = [
    "Farm",
    "GroupFarm",
    "IsolatedSolver",
    "Request",
    "SerialFarm",
    "Watchdog",
    "attempt",
    "under_way",
]
