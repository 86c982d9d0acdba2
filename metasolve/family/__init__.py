"""Problem families: instances that a short problem.py generates, solved in process."""

from metasolve.family.family import Family

__all__ = ["Family"]
