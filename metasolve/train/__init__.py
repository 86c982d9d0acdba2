"""Training: from instances, a space and a solver that can be called, to a model.

The package is also the function ``metasolve.train(recording, out, ...)``: see
`metasolve.recorded.training.train`, which calling it calls.
"""

from __future__ import annotations

import inspect
import sys
from types import ModuleType
from typing import Any

from metasolve.train.config import TrainConfig

__all__ = ["TrainConfig"]


class _CallablePackage(ModuleType):
    """Lets `metasolve.train` be the package and, called, the function users know."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from metasolve.recorded.training import train

        return train(*arguments, **options)

    @property
    def __signature__(self) -> inspect.Signature:
        from metasolve.recorded.training import train

        return inspect.signature(train)


sys.modules[__name__].__class__ = _CallablePackage
