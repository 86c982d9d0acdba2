"""Where evaluations run: in this process, or on groups of MPI ranks side by side."""

from metasolve.farm.farm import Farm, Request, SerialFarm, attempt
from metasolve.farm.groups import GroupFarm

__all__ = ["Farm", "GroupFarm", "Request", "SerialFarm", "attempt"]
