"""The plot of a screening."""

from __future__ import annotations

import math
from pathlib import Path

from metasolve.program.screening import Screening
from metasolve.report.drawing import pyplot


def plot(found: Screening, path: Path) -> None:
    """Write one row per setting: the cost of each of its values relative to the program's own.

    Parameters
    ----------
    path
        Its suffix gives the format.
    """
    plt = pyplot()
    height = 1.2 + 0.35 * len(found.effects)
    figure, axes = plt.subplots(figsize=(8, height), layout="constrained")
    for row, effect in enumerate(found.effects):
        mine = [trial for trial in found.trials if trial.setting == effect.setting]
        done = [math.exp(t.log_ratio) for t in mine if t.log_ratio is not None]
        axes.plot(done, [row] * len(done), "o", ms=5, color="#4477aa", alpha=0.7)
        if effect.failures:
            axes.annotate(f"{effect.failures} failed", (1, row), (4, 6), color="#aa3377",
                          textcoords="offset points", fontsize=7)  # fmt: skip
    noise = math.exp(found.noise)
    axes.axvspan(1 / noise, noise, color="0.9", zorder=0, label="difference of two equal runs")
    axes.axvline(1, color="0.6", lw=0.9)
    axes.set_yticks(range(len(found.effects)), [effect.setting for effect in found.effects])
    axes.set_ylim(len(found.effects) - 0.5, -0.5)
    axes.set(xscale="log", xlabel="cost relative to the program's own settings")
    axes.set_title(f"{found.case}: one setting at a time", fontsize=10)
    figure.legend(fontsize=8, loc="outside lower right")
    figure.savefig(path, dpi=150)
    plt.close(figure)
