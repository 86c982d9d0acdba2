"""`Teacher`: what was learned from evaluations, and the constants and networks that it suggests.

No solver calls are made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from metasolve.model.meta_model import MetaModel
from metasolve.model.surrogate import Surrogate
from metasolve.solve.solver import Value
from metasolve.train.arms import Arms, shortlist
from metasolve.train.difficulty import Difficulty
from metasolve.train.events import Events
from metasolve.train.inputs import Inputs
from metasolve.train.mixture import Mixture
from metasolve.train.policy import Incumbents, PolicyTrainer, incumbents
from metasolve.train.risk import Objective, careful, pessimistic
from metasolve.train.split import spread_out

HIDDEN = (64, 64)
MOST_ARMS = 12  # in play after the design; each costs one surrogate evaluation per policy step
_WORTH_KEEPING = 0.3  # objective by which an arm may trail the best one on its best instance
_STEPS = 400
_FEW_STEPS = 40  # of Frank-Wolfe, whose steps grow shorter with each: some are left to move by
_MOST_ASKED = 48  # instances that constants are tried on; more are thinned out evenly


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

    def lesson(self, objective: Objective) -> Lesson:
        """What is best by an objective, by what is known now."""
        some = self.train
        if len(some) > _MOST_ASKED:
            some = spread_out(self.inputs.table[some], _MOST_ASKED, self.seed)
            some = [self.train[each] for each in some]
        known = self.inputs.table[some]
        symmetric = self.inputs.symmetric(known)
        best = incumbents(objective, self.arms, known, symmetric, self.seed)
        return Lesson(self, objective, best)


@dataclass(frozen=True)
class Lesson:
    """What an objective thought best once, and what can be made of it.

    Attributes
    ----------
    teacher, objective : who was asked, and by what it was judged.
    best : of every arm.
    """

    teacher: Teacher
    objective: Objective
    best: Incumbents

    def constants(self, count: int) -> list[dict[str, Value]]:
        """The best settings for all instances together, each of another arm, the best first."""
        order = np.argsort(self.best.cost, kind="stable")[:count]
        arms = self.teacher.arms
        return [arms.settings(int(arm), self.best.numbers[arm]) for arm in order]

    def network(self) -> PolicyTrainer:
        """A policy that has learned what the surrogate believes."""
        teacher, best = self.teacher, self.best
        arms, inputs, seed = teacher.arms, teacher.inputs, teacher.seed
        kept = shortlist(best.each, within=_WORTH_KEEPING, most=MOST_ARMS)
        varies, start = inputs.varies, best.start(arms)
        model = MetaModel(len(varies), arms.space.dim, start, varies, HIDDEN, seed)
        known = arms, inputs, list(kept)
        policy = PolicyTrainer(model, teacher.surrogate, *known, self.objective, seed)
        self._tell(kept, policy.steps(_STEPS))
        return policy

    def mixture(self) -> Mixture:
        """A mixture that has learned a little of what the surrogate believes."""
        teacher, best, each = self.teacher, self.best, self.best.each
        arms, inputs, train = teacher.arms, teacher.inputs, teacher.train
        if not inputs.symmetric(inputs.table[train]).all() and arms.general.any():
            each = np.where(arms.general, each, np.inf)
        kept = shortlist(each, within=_WORTH_KEEPING, most=MOST_ARMS)
        known, objective = (teacher.surrogate, arms, inputs, train), self.objective
        mixture = Mixture(*known, kept, objective, best.numbers, teacher.seed)
        self._tell(kept, mixture.steps(_FEW_STEPS))
        return mixture

    def _tell(self, kept: Sequence[int], expected: float) -> None:
        arms = [self.teacher.arms.arms[arm] for arm in kept]
        constant = float(self.best.cost.min())
        self.teacher.events.emit("warm_start", arms=arms, expected=expected, constant=constant)
