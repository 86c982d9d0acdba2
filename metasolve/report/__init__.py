"""Tables, JSON, pages and plots of what was measured.

The package is also the function ``metasolve.report(*journals)``: see
`metasolve.report.shown.report`, which calling it calls.
"""

from __future__ import annotations

import inspect
import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """Lets `metasolve.report` be the package and, called, the function users know."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from metasolve.report.shown import report

        return report(*arguments, **options)

    @property
    def __signature__(self) -> inspect.Signature:
        from metasolve.report.shown import report

        return inspect.signature(report)


sys.modules[__name__].__class__ = _CallablePackage
