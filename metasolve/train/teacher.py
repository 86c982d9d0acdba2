"""`Teacher`: what was learned from evaluations, and the constants and networks that it suggests.

No solver calls are made here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from metasolve.model.meta_model import MetaModel
from metasolve.model.surrogate import Surrogate
from metasolve.solve.solver import Value
from metasolve.train.arms import Arms, shortlist
from metasolve.train.difficulty import Difficulty
from metasolve.train.events import Events
from metasolve.train.inputs import Inputs
from metasolve.train.policy import Incumbents, PolicyTrainer, incumbents
from metasolve.train.risk import Objective, careful, pessimistic

HIDDEN = (64, 64)
MOST_ARMS = 12  # in play after the design; each costs one surrogate evaluation per policy step
_WORTH_KEEPING = 0.3  # objective by which an arm may trail the best one on its best instance
_STEPS = 600


@dataclass(frozen=True)
class Teacher:
    """Suggests what is best by an objective: `usual`, on average, or `careful`, without losses.

    Attributes
    ----------
    arms, inputs : what can be chosen, for which features.
    surrogate, difficulty : what settings take, what the host takes, as far as is known by now.
    train : indices of the instances to be good at.
    pessimism : of the usual objective.
    seed, events : of everything random; where to log.
    """

    arms: Arms
    inputs: Inputs
    surrogate: Surrogate
    difficulty: Difficulty
    train: list[int]
    pessimism: float
    seed: int
    events: Events = field(repr=False)

    @property
    def usual(self) -> Objective:
        """See `pessimistic`."""
        return pessimistic(self.surrogate, self.pessimism)

    @property
    def careful(self) -> Objective:
        """See `careful`."""
        return careful(self.surrogate, self.difficulty)

    def of(self, train: list[int]) -> Teacher:
        """The same with other instances to be good at."""
        return replace(self, train=train)

    def constants(self, objective: Objective, count: int) -> list[dict[str, Value]]:
        """The best settings for all instances together, each of another arm, the best first."""
        best = self._incumbents(objective)
        order = np.argsort(best.cost, kind="stable")[:count]
        return [self.arms.settings(int(arm), best.numbers[arm]) for arm in order]

    def network(self, objective: Objective) -> PolicyTrainer:
        """A policy that has learned what the surrogate believes."""
        best = self._incumbents(objective)
        kept = list(shortlist(best.each, within=_WORTH_KEEPING, most=MOST_ARMS))
        varies, start = self.inputs.varies, best.start(self.arms)
        model = MetaModel(len(varies), self.arms.space.dim, start, varies, HIDDEN, self.seed)
        policy = PolicyTrainer(
            model, self.surrogate, self.arms, self.inputs, kept, objective, self.seed
        )
        expected = policy.steps(_STEPS)
        self.events.emit(
            "warm_start",
            arms=[self.arms.arms[arm] for arm in kept],
            expected=expected,
            constant=float(best.cost.min()),
        )
        return policy

    def _incumbents(self, objective: Objective) -> Incumbents:
        known = self.inputs.table[self.train]
        return incumbents(objective, self.arms, known, self.inputs.symmetric(known), self.seed)
