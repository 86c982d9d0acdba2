"""`Losses`: calls that came to nothing; a training that is made of them is not one."""

from __future__ import annotations

from metasolve.errors import TrainingError
from metasolve.solve.outcome import Outcome, Reason

_TELLING = 50  # calls: where all so far were lost, more will be


class Losses:
    """Counts calls of which nothing was measured though the settings are not to blame.

    That is: who solved died, hung, or could not be started; or the program's own configuration
    raised an error. Equal on all ranks, since outcomes are.

    Parameters
    ----------
    budget : calls that the training may make.
    """

    def __init__(self, budget: int) -> None:
        self.budget, self.calls, self.lost, self.first = budget, 0, 0, ""

    def count(self, outcome: Outcome, own: bool) -> None:
        """Count one call; `own`: of the program's own configuration."""
        self.calls += 1
        if outcome.lost or (own and outcome.reason is Reason.ERROR):
            self.first = self.first or outcome.message or outcome.reason.name
            self.lost += 1

    def check(self) -> None:
        """Raise `TrainingError` where the training is certain, or as good as, to end in it."""
        if 2 * self.lost > self.budget or self.lost == self.calls >= _TELLING:
            raise self.error()

    def check_all(self) -> None:
        """Raise `TrainingError` if most calls were lost."""
        if 2 * self.lost > self.calls:
            raise self.error()

    def error(self) -> TrainingError:
        """What to say."""
        return TrainingError(
            f"calls={self.calls}: {self.lost} of them were lost, so nothing was learned and no "
            f"model is written; the first with: {self.first}; mend that and begin again (--fresh)"
        )
