"""The learned part: meta-model (features to settings), surrogate (settings to cost), their files.

`Model` is what a program uses; it needs numpy only. `MetaModel` and `Surrogate` are what training
moves; they need torch, so import them from their own modules.
"""

from metasolve.model.directory import load, save
from metasolve.model.gate import Bells, Gate
from metasolve.model.layer import Layer
from metasolve.model.model import Model, Standardisation
from metasolve.model.policy_file import read_policy, write_policy

__all__ = [
    "Bells",
    "Gate",
    "Layer",
    "Model",
    "Standardisation",
    "load",
    "read_policy",
    "save",
    "write_policy",
]
