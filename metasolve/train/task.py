"""`Task`: what a training is to learn."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from metasolve.prior.expertise import Expertise
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.space import Space
from metasolve.train.config import TrainConfig


@dataclass(frozen=True)
class Task:
    """What to learn.

    Attributes
    ----------
    instances : with finite features.
    space : what may be set.
    groups : group of an instance, by id; a group is not split between training and validation.
    warms : whether the first solve of an instance is colder than later ones, as in one process.
    made_good : failures that production sees, and makes good by the program's own settings.
    expertise : what is known of the instances beforehand.
    recorded : what the program's own settings came to when an instance was recorded, by id.
    """

    instances: Sequence[Instance]
    space: Space
    groups: Mapping[str, str] = field(default_factory=dict)
    warms: bool = True
    made_good: Collection[Reason] = ()
    expertise: Expertise | None = None
    recorded: Mapping[str, Outcome] = field(default_factory=dict)

    def of(self, ids: Collection[str]) -> Task:
        """The same, of these instances alone."""
        places = [n for n, each in enumerate(self.instances) if each.id in set(ids)]
        known = self.expertise
        if known is not None:
            known = replace(known, own=[known.own[n] for n in places])
        return replace(self, instances=[self.instances[n] for n in places], expertise=known)

    def asked(self, config: TrainConfig) -> Expertise | None:
        """What is known beforehand, where it is wanted and seconds count: it knows no others."""
        wanted = config.prior != "none" and config.measure == "seconds"
        return self.expertise if wanted else None
