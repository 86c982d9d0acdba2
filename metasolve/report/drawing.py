"""What every plot begins with: matplotlib, drawing into files."""

from __future__ import annotations

import warnings
from types import ModuleType


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
