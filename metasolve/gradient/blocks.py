"""Blocks: settings split into groups, each measured by a client of its own (Spry).

A client perturbs only its block, so its estimate has variance (|B| - 1)‖a_B‖² instead of
(n - 1)‖a‖². Clients send scalars; whoever knows the seed rebuilds the gradient from them, bit for
bit (Panchal et al., arXiv 2405.15551).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import UsageError
from metasolve.gradient.estimators import Estimator, Vector
from metasolve.gradient.tangents import Key, Kind, tangents

Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class Report:
    """What a client sends: no vector, only what it takes to rebuild one.

    Attributes
    ----------
    key : (seed, step, client), from which its tangents follow.
    block : which block it perturbed.
    differences : one for each of its tangents.
    """

    key: Key
    block: int
    differences: tuple[float, ...]


def consecutive_blocks(active: NDArray[np.bool_], count: int) -> Masks:
    """Masks (count, dim) of consecutive groups of the active coordinates, equal in size or nearly.

    Raises
    ------
    UsageError
        If there are more blocks than active coordinates, or none.
    """
    places = np.flatnonzero(active)
    if not 1 <= count <= len(places):
        raise UsageError(f"blocks={count} for {len(places)} active settings; use 1 to that many")
    masks = np.zeros((count, len(active)), dtype=bool)
    for mask, group in zip(masks, np.array_split(places, count), strict=True):
        mask[group] = True
    return masks


def block_of(client: int, step: int, count: int) -> int:
    """Index of the block that a client perturbs at a step: all in turn.

    With as many clients as blocks every block is measured in every step, and over `count` steps
    every client measures every block, which is what removes the bias of clients that differ.
    """
    return (client + step) % count


def assemble(
    reports: Sequence[Report], blocks: Masks, estimate: Estimator, kind: Kind = "rademacher"
) -> Vector:
    """Gradient (dim,) from reports: clients of one block averaged, unreported blocks zero.

    The sum is taken in the order of the clients, so it does not depend on who reported first.
    """
    total, counts = np.zeros(blocks.shape), np.zeros(len(blocks))
    for report in sorted(reports, key=lambda each: (each.block, each.key)):
        V = tangents(kind, report.key, len(report.differences), blocks[report.block])
        total[report.block] += estimate(V, np.array(report.differences))
        counts[report.block] += 1
    gradient: Vector = (total / np.maximum(counts, 1)[:, None]).sum(axis=0)
    return gradient
