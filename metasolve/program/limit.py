"""How long a run under a model's settings may take before the program's own are the better bet."""

from __future__ import annotations

from collections.abc import Mapping

from metasolve.model.model import Model
from metasolve.program.case import Case

_BUDGET = 4.0  # times what the program's own settings would probably take
_LEAST = 1.0  # seconds: shorter runs are not worth stopping


def seconds_allowed(case: Case, model: Model, features: Mapping[str, float]) -> float | None:
    """Seconds after which a run under the model's settings is stopped: at most ``timeout``.

    Four times what the program's own settings would probably take, where the cost that was learned
    is that of whole runs. None where a run may not be repeated: it goes on as long as it takes.
    """
    if not case.rerunnable:
        return None
    cost = case.cost
    part = cost.pattern or cost.csv or cost.json_ or cost.petsc_log
    if part and cost.unit == "seconds":
        return case.timeout
    return min(case.timeout, max(_BUDGET * model.expected_seconds(features), _LEAST))
