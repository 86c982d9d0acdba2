"""`Forest`: trees as the plug-in evaluates them, and their fit (extremely randomised trees)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
TREES, LEAVES, SMALLEST_LEAF = 176, 32, 4
UNIT = 256.0  #: leaves hold whole numbers of 1 / UNIT
_LARGEST = 2**15 - 1


@dataclass(frozen=True)
class Forest:
    """Trees over features in single precision.

    Parameters
    ----------
    root
        Of each tree: a node, or the leaf -1 - c where c is negative; (T,).
    feature, threshold, left, right
        Of each node: x[feature] <= threshold goes left; children as roots; (N,).
    value
        Of each leaf, in 1 / `UNIT`; (L, K, 2).
    """

    root: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.int16]

    def __call__(self, x: Array) -> Array:
        """What each tree expects at features x (..., F): (..., T, K, 2)."""
        told: Array = self.value[self.leaves(x)] / UNIT
        return told

    def leaves(self, x: Array) -> NDArray[np.int32]:
        """The leaf of each tree at features x (..., F): (..., T)."""
        features = np.asarray(x, dtype=np.float32)
        place = np.broadcast_to(self.root, (*features.shape[:-1], len(self.root))).copy()
        while (place >= 0).any():
            inner = np.maximum(place, 0)  # a tree that is at its leaf stays there
            seen = np.take_along_axis(features, self.feature[inner], axis=-1)
            child = np.where(seen <= self.threshold[inner], self.left[inner], self.right[inner])
            place = np.where(place >= 0, child, place)
        return -1 - place

    def mean_and_spread(self, x: Array) -> tuple[Array, Array]:
        """Mean and standard deviation over trees; (..., K, 2) each."""
        each = self(x)
        return each.mean(axis=-3), each.std(axis=-3)


def fit(
    X: Array,
    Y: Array,
    guide: Array | None = None,
    trees: int = TREES,
    leaves: int = LEAVES,
    seed: int = 0,
) -> Forest:
    """Fit a forest; the same for the same data.

    Parameters
    ----------
    X, Y
        Inputs (N, F) and outputs (N, K, 2); leaves hold means of these.
    guide
        What splits are to tell apart, (N, ...); Y where None.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    model = ExtraTreesRegressor(
        trees, min_samples_leaf=SMALLEST_LEAF, max_leaf_nodes=leaves, random_state=seed
    )
    model.fit(X, (Y if guide is None else guide).reshape(len(Y), -1))
    grown = [each.tree_ for each in model.estimators_]
    return _joined(grown, [_means(tree, X, Y) for tree in grown])


def _means(tree: Any, X: Array, Y: Array) -> Array:
    """Mean outputs in the leaves of a tree, in their order."""
    leaves = np.flatnonzero(tree.children_left < 0)
    place = np.searchsorted(leaves, tree.apply(X.astype(np.float32)))
    sums = np.zeros((len(leaves), *Y.shape[1:]))
    np.add.at(sums, place, Y)
    means: Array = sums / np.bincount(place)[:, None, None]
    return means


def _joined(trees: Sequence[Any], values: Sequence[Array]) -> Forest:
    parts: dict[str, list[Any]] = {name: [] for name in Forest.__dataclass_fields__}
    nodes = leaves = 0
    for tree, value in zip(trees, values, strict=True):
        inner = tree.children_left >= 0
        # Nodes and leaves, numbered apart.
        place = np.where(inner, nodes + np.cumsum(inner) - 1, -leaves - np.cumsum(~inner))
        parts["root"].append(place[:1])
        parts["feature"].append(tree.feature[inner])
        parts["threshold"].append(_rounded_down(tree.threshold[inner]))
        parts["left"].append(place[tree.children_left[inner]])
        parts["right"].append(place[tree.children_right[inner]])
        parts["value"].append(value)
        nodes, leaves = nodes + int(inner.sum()), leaves + int((~inner).sum())
    joined = {name: np.concatenate(each) for name, each in parts.items()}
    value = np.clip(np.rint(UNIT * joined.pop("value")), -_LARGEST, _LARGEST).astype(np.int16)
    threshold = joined.pop("threshold").astype(np.float32)
    whole = {name: each.astype(np.int32) for name, each in joined.items()}
    return Forest(**whole, threshold=threshold, value=value)


def _rounded_down(threshold: Array) -> NDArray[np.float32]:
    """The largest single-precision number below: the same decisions for single-precision x."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
