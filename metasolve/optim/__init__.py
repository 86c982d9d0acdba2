"""Optimisers for what can only be evaluated: on constrained sets, and in fixed point."""

from metasolve.optim.domains import Box, Domain, L1Ball, Product, Simplex, pulled_inside
from metasolve.optim.fixed_point import Entry, FixedPointFormat, SignSPSA, replay
from metasolve.optim.frank_wolfe import FrankWolfe

__all__ = [
    "Box",
    "Domain",
    "Entry",
    "FixedPointFormat",
    "FrankWolfe",
    "L1Ball",
    "Product",
    "SignSPSA",
    "Simplex",
    "pulled_inside",
    "replay",
]
