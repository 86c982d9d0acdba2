"""Random tangents from a counter-based generator: the key says all, the order of calls nothing.

Every rank can rebuild the tangents of every other, so ranks exchange scalars, never vectors.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import UsageError, did_you_mean

Key = tuple[int, int, int]
"""Seed, step, index of the instance: each a whole number in [0, 2**64)."""

Kind = Literal["rademacher", "gaussian", "orthogonal", "hadamard", "coordinate"]
_TANGENTS_STREAM = 0
_WITHOUT_REPETITION = ("orthogonal", "hadamard", "coordinate")


def generator(key: Key, stream: int = 1) -> np.random.Generator:
    """Random numbers that depend on key and stream alone, the same on every rank.

    Parameters
    ----------
    key
        (seed, step, instance index).
    stream
        Tells apart different uses of one key; 0 is taken by :func:`tangents`.

    Raises
    ------
    UsageError
        If part of the key is negative.
    """
    if min(*key, stream) < 0:
        raise UsageError(f"key={key!r}, stream={stream}: has a negative part; use 0 and above")
    seed, step, instance = (np.uint64(part) for part in key)
    # The generator counts in the low words; instance and stream own the high ones, so that no
    # sequence ever runs into another.
    counter = np.array([0, 0, stream, instance], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=np.array([seed, step]), counter=counter))


def tangents(kind: Kind, key: Key, k: int, active: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Random directions V (dim, k), zero where not active.

    With n active coordinates, each column v has E v vᵀ = I on them; ‖v‖₂ = sqrt(n) except for
    ``"gaussian"``. The first tangents do not depend on k. Columns of ``"orthogonal"`` (uniformly
    rotated) and ``"coordinate"`` (axes, without repetition) are orthogonal to each other. Those of
    ``"hadamard"`` are random signs, orthogonal where n is a power of two and nearly so elsewhere
    (columns of the next Hadamard matrix, rows flipped at random).

    Parameters
    ----------
    kind
        Distribution.
    key
        (seed, step, instance index).
    k
        Number of tangents; at most n for orthogonal, hadamard and coordinate ones.
    active
        Mask (dim,) of the coordinates to perturb.

    Raises
    ------
    UsageError
        If the kind is unknown or k impossible.
    """
    rng = generator(key, _TANGENTS_STREAM)
    active = np.asarray(active, dtype=bool)
    dim, n = active.size, int(active.sum())
    if k < 0 or (kind in _WITHOUT_REPETITION and k > n):
        raise UsageError(f"k={k} tangents of kind {kind} in {n} active settings; use at most {n}")
    if kind == "rademacher":
        return _signs(rng, dim, k) * active[:, None]
    if kind == "gaussian":
        return rng.standard_normal((k, dim)).T * active[:, None]
    if kind not in get_args(Kind):
        raise UsageError(f"tangents={kind!r} are unknown; {did_you_mean(kind, get_args(Kind))}")
    V = np.zeros((dim, k))
    V[active] = {"orthogonal": _rotated, "hadamard": _hadamard, "coordinate": _axes}[kind](
        rng, n, k
    )
    return V


def _signs(rng: np.random.Generator, dim: int, k: int) -> NDArray[np.float64]:
    # Raw words, because numpy fixes their sequence for ever and that of its distributions not.
    words = rng.bit_generator.random_raw(dim * k).reshape(k, dim)
    return np.where(words >> np.uint64(63), 1.0, -1.0).T


def _rotated(rng: np.random.Generator, n: int, k: int) -> NDArray[np.float64]:
    Q, R = np.linalg.qr(rng.standard_normal((k, n)).T)
    # Uniform over rotations.
    rotated: NDArray[np.float64] = Q * np.where(np.diag(R) < 0, -np.sqrt(n), np.sqrt(n))
    return rotated


def _hadamard(rng: np.random.Generator, n: int, k: int) -> NDArray[np.float64]:
    flips = _signs(rng, n, 1)
    columns = _shuffled(rng, 1 << max(n - 1, 0).bit_length())[:k]
    # Sylvester's matrix: entry (i, j) is -1 to the number of bits that i and j share.
    shared = np.arange(n)[:, None] & columns
    for shift in (16, 8, 4, 2, 1):
        shared = shared ^ (shared >> shift)
    return flips * (1.0 - 2.0 * (shared & 1))


def _axes(rng: np.random.Generator, n: int, k: int) -> NDArray[np.float64]:
    axes: NDArray[np.float64] = np.sqrt(n) * np.eye(n)[:, _shuffled(rng, n)[:k]]
    return axes


def _shuffled(rng: np.random.Generator, count: int) -> NDArray[np.intp]:
    return np.argsort(rng.bit_generator.random_raw(count), kind="stable")
