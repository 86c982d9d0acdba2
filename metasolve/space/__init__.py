"""What may be set: kinds of settings, conditions between them, their scales and the written form.

A `Space` is an ordered set of settings, and the map between them and the vector that a meta-model
predicts.
"""

from metasolve.space.discrete import Choice, Flag
from metasolve.space.setting import Integer, Real, Setting
from metasolve.space.space import Space

__all__ = ["Choice", "Flag", "Integer", "Real", "Setting", "Space"]
