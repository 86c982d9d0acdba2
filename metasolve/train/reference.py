"""Phase 0: what the program's own configuration, the host, takes, and which instances decide.

A training from nothing measures it on all instances that it uses. One that knows something
beforehand takes from the recording what it took on those that only teach, in today's seconds:
what settings take is learned absolutely, so there a reference need not be exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metasolve.solve.outcome import Reason
from metasolve.train.config import TrainConfig
from metasolve.train.evaluator import HOST, Evaluator
from metasolve.train.inputs import Inputs
from metasolve.train.split import split, spread_out
from metasolve.train.task import Task

_SHARE = 0.2  # of the calls: more instances than that are thinned out
_VALIDATING = 15  # calls for an instance that validates, where others need not be measured
_LEAST = 4
_QUICK = 1.0  # seconds: what the host takes less for is measured twice, if the first is colder


@dataclass(frozen=True)
class Roles:
    """Which instances teach and which decide.

    Attributes
    ----------
    train, validation : indices; the same where there are too few.
    failed : what the host said where it could not be measured, by index.
    """

    train: list[int]
    validation: list[int]
    failed: dict[int, str]


def measured(task: Task, config: TrainConfig, evaluator: Evaluator, inputs: Inputs) -> Roles:
    """Measure the host on as many instances as the calls allow."""
    most = max(_LEAST, int(_SHARE * config.calls))
    failed = _measure(task, config, evaluator, spread_out(inputs.table, most, config.seed))
    usable = sorted(set(evaluator.host) - set(failed))
    return Roles(*split(_groups(task), usable, config.seed), failed)


def remembered(task: Task, config: TrainConfig, evaluator: Evaluator) -> Roles:
    """Measure the host where instances validate; elsewhere it took what was recorded."""
    known = [n for n, each in enumerate(task.instances) if each.id in task.recorded]
    share = min(0.25, max(_LEAST, config.calls // _VALIDATING) / max(len(known), 1))
    train, validation = split(_groups(task), known, config.seed, share)
    failed = _measure(task, config, evaluator, validation)
    validation = [index for index in validation if index not in failed]
    recorded = {n: task.recorded[task.instances[n].id] for n in known}
    quantity, instances = evaluator.cost.quantity, evaluator.instances
    slower = [evaluator.reference(n) / quantity(recorded[n], instances[n]) for n in validation]
    today = float(np.median(slower)) if slower else 1.0
    for index in train:
        evaluator.host.setdefault(index, [recorded[index].slowed(today)])
    return Roles([n for n in train if n not in failed], validation, failed)


def _measure(
    task: Task, config: TrainConfig, evaluator: Evaluator, chosen: Sequence[int]
) -> dict[int, str]:
    """Measure the host where it was not yet; what it said where it could not be, by index."""
    asked = [(index, dict(HOST)) for index in chosen if index not in evaluator.host]
    evaluator.measure(asked, "reference")
    failed = {
        index: outcomes[0].message
        for index, outcomes in evaluator.host.items()
        if all(outcome.reason is Reason.ERROR or outcome.lost for outcome in outcomes)
    }
    if config.measure == "seconds" and task.warms:
        usable = set(evaluator.host) - set(failed)
        quick = {each for each in usable if evaluator.host_seconds(each) < _QUICK}
        evaluator.measure([each for each in asked if each[0] in quick], "reference")
    return failed


def _groups(task: Task) -> list[str]:
    return [task.groups.get(each.id, each.id) for each in task.instances]
