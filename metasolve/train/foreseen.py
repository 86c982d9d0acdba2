"""`Foreseen`: what a prior thinks that settings take, as the mean of the surrogate.

The prior knows some joint choices of settings, its candidates. Other settings are thought to take
what the nearest candidates take: those with the same words where there are such, the nearer the
more their numbers are alike. What the program's own settings took, and what a journal tells, has
corrected it: see `metasolve.prior.posterior`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from metasolve.model.matches import as_tensor
from metasolve.model.squash import squash
from metasolve.prior.expertise import Expertise
from metasolve.prior.forecast import Forecast, forecast
from metasolve.prior.posterior import Posterior, Seen
from metasolve.prior.prior_file import Prior
from metasolve.space import Space
from metasolve.train.difficulty import Difficulty
from metasolve.train.inputs import Inputs
from metasolve.train.place import Place, places

Array = NDArray[np.float64]
Tensor = torch.Tensor
_NEAR = 0.2  # distance, in coordinates of [-1, 1], at which numbers are no longer alike
_WORD = 50.0  # what another word counts against that: always more
_DEPENDENT = 0.125  # what a word counts that another one asks for: a smoother less than multigrid


class Foreseen:
    """What settings are foreseen to take on systems with features x, above the rule.

    Parameters
    ----------
    prior, places : what is asked, and the candidates that the space holds: one at least.
    posterior : what corrects the prior.
    inputs : how features are standardised.
    difficulty : what the host takes.
    share : of a set-up, that a solve pays.
    serves : operators that a set-up of chosen settings is thought to serve.
    """

    def __init__(
        self,
        prior: Prior,
        places: list[Place],
        posterior: Posterior,
        inputs: Inputs,
        difficulty: Difficulty,
        share: float,
        space: Space,
        serves: float = 1.0,
    ) -> None:
        self.places, self._prior, self._posterior = places, prior, posterior
        self._inputs, self._difficulty = inputs, difficulty
        self._own_share, self._share = share, share / serves
        self._numbers = [each.number for each in places]
        self._encoded = as_tensor([each.encoded for each in places])
        matters = as_tensor([each.matters for each in places])
        self._words = matters * as_tensor(_weights(space))
        self._figures = matters * as_tensor(space.continuous)

    def costs(self, x: Array) -> Array:
        """ln(seconds) of the candidates at standardised features x (n, features): (n, places)."""
        told = self._forecast(x)
        taken = told.seconds(self._share) + self._posterior.beyond(told.apart)
        return taken[:, self._numbers]

    def draw(self, x: Array, rng: np.random.Generator) -> Array:
        """One sample of the same, at features x (1, features): (places,)."""
        told = self._forecast(x)
        taken = told.seconds(self._share) + self._posterior.draw(told.apart, rng)
        drawn: Array = taken[0, self._numbers]
        return drawn

    def __call__(self, x: Tensor, s: Tensor) -> Tensor:
        """What the surrogate's mean is (n,), at x (m, features) and encoded settings s (n, dim).

        As costs are: squashed above the host's. Each row of x stands for n/m settings.
        """
        features, back = torch.unique(x, dim=0, return_inverse=True)
        host = self._difficulty.of_host(features)[0].unsqueeze(1)
        level = host - self._difficulty.rule(features).unsqueeze(1)
        above = squash(as_tensor(self.costs(features.numpy().astype(float))) - host) + level
        above = above[back].repeat_interleave(len(s) // len(x), dim=0)
        told: Tensor = (self._alike(s) * above).sum(dim=1)
        return told

    def _alike(self, s: Tensor) -> Tensor:
        """How much settings (n, dim) are like each candidate, (n, places); rows sum to 1."""
        other = _apart(s, self._encoded, self._words)
        same = (other == other.min(dim=1, keepdim=True).values).float()
        figures = _apart(s, self._encoded, self._figures) / (2.0 * _NEAR**2)
        return torch.softmax(-_WORD * other - same * figures, dim=1)

    def _forecast(self, x: Array) -> Forecast:
        s = self._inputs.standardisation
        order = [s.names.index(name) for name in self._prior.features]
        return forecast(self._prior, (s.mean + s.scale * x)[:, order])

    @classmethod
    def of(
        cls,
        expertise: Expertise,
        space: Space,
        inputs: Inputs,
        difficulty: Difficulty,
        references: Mapping[int, float],
        share: float,
        serves: float = 1.0,
    ) -> Foreseen | None:
        """What a prior foresees, once it has seen the host; None where it has nothing to say.

        Parameters
        ----------
        references : seconds of the host, by index of the instances where it answered; it makes a
            set-up for each operator.
        """
        prior = expertise.prior
        if not set(prior.features) <= set(inputs.standardisation.names):
            return None
        held = places(space, prior.candidates, expertise.parallel)
        if not held:
            return None
        count = len(prior.candidates)
        made = cls(prior, held, Posterior.of(count, ()), inputs, difficulty, share, space, serves)
        seen = [*expertise.seen, *made._own(expertise, references)]
        made._posterior = Posterior.of(count, seen)
        return made

    def _own(self, expertise: Expertise, references: Mapping[int, float]) -> list[Seen]:
        known = list(references)
        told = self._forecast(self._inputs.table[known])
        taken, seen = told.seconds(self._own_share), []
        for row, index in enumerate(known):
            own = expertise.own[index]
            beyond = float(np.log(references[index]) - taken[row, own.place])
            seen.append(Seen(own.offset, beyond, told.apart[row, :, own.place]))
        return seen


def _weights(space: Space) -> Array:
    """What each coordinate (dim,) counts as a word: those that depend on another one count less."""
    each = [s.discrete * (_DEPENDENT if s.when else 1.0) for s in space.settings]
    return np.repeat(each, [setting.width for setting in space.settings])


def _apart(s: Tensor, others: Tensor, matters: Tensor) -> Tensor:
    """Squared distance (n, m) of s (n, dim) from others (m, dim), in what matters (m, dim)."""
    return (matters * (s.unsqueeze(1) - others).square()).sum(dim=2)
