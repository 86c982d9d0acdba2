"""`Dataset`: all evaluations so far, as the surrogate is conditioned on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.model.matches import Matches, as_tensor
from metasolve.model.squash import squash
from metasolve.space import Space
from metasolve.train.evaluator import Evaluation
from metasolve.train.inputs import Inputs


class Dataset:
    """Evaluations of settings, encoded.

    Parameters
    ----------
    space : encodes settings.
    inputs : standardised features of every instance.
    difficulty : (instances,), see `Difficulty`: what makes a cost relative to the host absolute.
    """

    def __init__(self, space: Space, inputs: Inputs, difficulty: NDArray[np.float64]) -> None:
        self.space, self.inputs, self.difficulty = space, inputs.table, difficulty
        self.symmetric = inputs.symmetric(inputs.table)
        self.evaluations: list[Evaluation] = []
        self._encoded: list[NDArray[np.float64]] = []

    def __len__(self) -> int:
        return len(self.evaluations)

    def add(self, evaluations: Sequence[Evaluation]) -> None:
        """Add evaluations (of settings, not of the host's own configuration)."""
        for evaluation in evaluations:
            self.evaluations.append(evaluation)
            self._encoded.append(self.space.encode(evaluation.settings))

    def matches(self) -> Matches:
        """Everything as tensors."""
        encoded = np.reshape(self._encoded, (len(self.evaluations), self.space.dim))
        return self.matched(self.evaluations, encoded)

    def matched(self, evaluations: Sequence[Evaluation], encoded: NDArray[np.float64]) -> Matches:
        """Evaluations of encoded settings (n, dim) as tensors, whether they were added or not."""
        rows = [evaluation.instance for evaluation in evaluations]
        costs = squash(as_tensor([evaluation.cost for evaluation in evaluations]))
        return Matches(
            x=as_tensor(self.inputs[rows]),
            s=as_tensor(encoded),
            instance=torch.as_tensor(rows, dtype=torch.int64),
            cost=costs + as_tensor(self.difficulty[rows]),
        )
