"""`Dataset`: all evaluations so far, as the surrogate is matched to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.model.surrogate import Matches, as_tensor
from metasolve.space import Space
from metasolve.train.evaluator import Evaluation


class Dataset:
    """Evaluations and the pairs among them that differ by a small perturbation.

    Parameters
    ----------
    space : encodes settings.
    inputs : (instances, features), standardised features of every instance.
    """

    def __init__(self, space: Space, inputs: NDArray[np.float64]) -> None:
        self.space, self.inputs = space, inputs
        self.evaluations: list[Evaluation] = []
        self._encoded: list[NDArray[np.float64]] = []
        self._pairs: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self.evaluations)

    def add(self, evaluations: Sequence[Evaluation]) -> None:
        """Add evaluations (of settings, not of the host's own configuration)."""
        for evaluation in evaluations:
            self.evaluations.append(evaluation)
            self._encoded.append(self.space.encode(evaluation.settings))

    def add_probe(self, base: Evaluation, moved: Sequence[Evaluation]) -> None:
        """Add an evaluation and perturbed ones whose cost differences are to be matched too."""
        first = len(self.evaluations)
        self.add([base, *moved])
        self._pairs += [
            (first, first + k)
            for k, each in enumerate(moved, start=1)
            if each.outcome.ok and base.outcome.ok
        ]

    def matches(self) -> Matches:
        """Everything as tensors."""
        rows = [evaluation.instance for evaluation in self.evaluations]
        pairs = np.array(self._pairs, dtype=np.int64).reshape(-1, 2)
        return Matches(
            x=as_tensor(self.inputs[rows]),
            s=as_tensor(np.array(self._encoded)),
            cost=as_tensor([evaluation.cost for evaluation in self.evaluations]),
            base=torch.as_tensor(pairs[:, 0].copy()),
            moved=torch.as_tensor(pairs[:, 1].copy()),
        )
