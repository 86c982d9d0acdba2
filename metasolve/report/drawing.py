"""What every plot begins with: matplotlib, drawing into files."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axis import Axis


def pyplot() -> ModuleType:
    """Return matplotlib's pyplot, for files and without a display.

    What matplotlib says of how it is installed (two versions, no plots in 3D) is nothing that a
    user of metasolve has to read.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Unable to import Axes3D")
        from matplotlib import pyplot as plt
    return plt


def number_axis(axis: Axis) -> None:
    """Let a logarithmic axis show numbers as people write them, at 1, 2 and 5 of each ten."""
    import matplotlib as mpl

    low, high = axis.get_view_interval()
    subs = (1, 2, 5) if high / low < 300 else (1,)
    axis.set_major_locator(mpl.ticker.LogLocator(subs=subs))
    axis.set_major_formatter(mpl.ticker.FuncFormatter(lambda x, _: f"{x:,.10g}"))
    axis.set_minor_formatter(mpl.ticker.NullFormatter())
