"""`ReplayingFarm`: answers from evaluations already made, then hands over to another farm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from metasolve.errors import ModelError
from metasolve.farm.farm import Farm
from metasolve.farm.request import Request
from metasolve.solve.outcome import Outcome
from metasolve.solve.solver import Value


class ReplayingFarm:
    """Answers requests in order from recorded evaluations; what they leave over goes to `then`.

    A training is deterministic given its outcomes. So this resumes one that was interrupted, and
    repeats one that was measured in seconds, bit for bit.

    Parameters
    ----------
    evaluations
        Evaluation events of a training (`instance`, `settings`, `outcome`, `call`), in order. Equal
        on all ranks of `then`.
    then
        Who makes the evaluations that are not recorded; None where there must be none.
    """

    def __init__(self, evaluations: Sequence[Mapping[str, Any]], then: Farm | None = None) -> None:
        self._past, self._then = list(evaluations), then
        self._answered, self._stopped = 0, False
        self.size = then.size if then is not None else 1

    @property
    def calls(self) -> int:
        """Evaluations answered so far, from the record or by the other farm."""
        return self._answered + (self._then.calls if self._then is not None else 0)

    @property
    def bytes(self) -> int:
        """Bytes that the other farm exchanged: a record is read by every rank on its own."""
        return self._then.bytes if self._then is not None else 0

    @property
    def stopped(self) -> bool:
        """Whether a stop took effect: with another farm, only when that one is asked."""
        return self._then.stopped if self._then is not None else self._stopped

    def evaluate(self, requests: Sequence[Request]) -> list[Outcome]:
        """Evaluate all requests.

        Collective: yes, on the ranks of the other farm.

        Raises
        ------
        ModelError
            If what is recorded next is another evaluation, or nothing is and there is no farm.
        """
        written = self._past[self._answered :][: len(requests)]
        outcomes = [_recall(event, each) for event, each in zip(written, requests, strict=False)]
        self._answered += len(written)
        left = requests[len(written) :]
        if not left:
            return outcomes
        if self._then is None:
            raise ModelError(
                f"the recorded evaluations end after {self._answered}, and this training needs "
                "more: replay with the options they were made with, and a training that finished"
            )
        return outcomes + self._then.evaluate(left)

    def stop(self) -> None:
        """Stop at the next evaluation that is not recorded; safe in a signal handler."""
        self._stopped = True
        if self._then is not None:
            self._then.stop()

    def close(self) -> None:
        """Close the other farm. Collective: yes, on its ranks."""
        if self._then is not None:
            self._then.close()


def _recall(event: Mapping[str, Any], request: Request) -> Outcome:
    same = event["instance"] == request.instance.id
    if not (same and _same(event["settings"], request.settings)):
        raise ModelError(
            f"recorded evaluation {event['call']} does not match this training: train with the "
            "options and the version that began it, or with --fresh"
        )
    return Outcome.from_dict(event["outcome"])


def _same(stored: Mapping[str, Any], settings: Mapping[str, Value]) -> bool:
    """Whether settings read back from JSON are these, up to the rounding of another machine."""
    if stored.keys() != settings.keys():
        return False
    for name, value in settings.items():
        if isinstance(value, float):
            if not math.isclose(stored[name], value, rel_tol=1e-4, abs_tol=1e-6):
                return False
        elif stored[name] != value:
            return False
    return True
