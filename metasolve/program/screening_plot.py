"""The picture of a screening: what each setting does to the cost, one at a time."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from metasolve.program.screening import Effect, Screening
from metasolve.report.drawing import number_axis, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FASTER, _SLOWER, _SAME, _FAILED = "#22764a", "#c8452c", "#9aa0a6", "#c8452c"


def plot(found: Screening, path: Path) -> None:
    """Write one row per setting: the cost of each of its values relative to the program's own.

    Parameters
    ----------
    path
        Its suffix gives the format.
    """
    plt = pyplot()
    height = 1.7 + 0.42 * len(found.effects)
    figure, axes = plt.subplots(figsize=(9, height), layout="constrained")
    figure.suptitle(f"{found.case}: {_headline(found)}", fontsize=12, x=0.01, ha="left")
    noise = math.exp(found.noise)
    axes.axvspan(1 / noise, noise, color="0.92", zorder=0)
    axes.axvline(1, color="0.4", lw=0.9)
    ratios = [_row(axes, row, effect, found) for row, effect in enumerate(found.effects)]
    everything = [each for row in ratios for each in row] + [1 / noise, noise]
    axes.set_yticks(range(len(found.effects)), [effect.setting for effect in found.effects])
    axes.set_ylim(len(found.effects) - 0.5, -0.5)
    low, high = min(everything), max(everything)
    axes.set(
        xscale="log", xlim=(low * (low / high) ** 0.12 / 1.2, high * (high / low) ** 0.25 * 1.2)
    )
    told = "times the cost under the program's own settings; grey: so two equal runs differ"
    axes.set_xlabel(told)
    number_axis(axes.xaxis)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _row(axes: Axes, row: int, effect: Effect, found: Screening) -> list[float]:
    """The dots of one setting, and how many of its runs failed; where the dots are."""
    mine = [trial for trial in found.trials if trial.setting == effect.setting]
    done = [math.exp(trial.log_ratio) for trial in mine if trial.log_ratio is not None]
    noise = math.exp(found.noise)
    colours = [_FASTER if x < 1 / noise else _SLOWER if x > noise else _SAME for x in done]
    axes.axhline(row, color="0.9", lw=0.8, zorder=0)
    axes.scatter(done, [row] * len(done), s=38, color=colours, alpha=0.8, zorder=3)
    if done and effect.gain > noise:
        axes.annotate(_told(effect.best), (min(done), row), (-7, 0), ha="right", va="center",
                      textcoords="offset points", color=_FASTER, fontsize=9)  # fmt: skip
    if effect.failures:
        told = f"\u00d7 {effect.failures} of {len(mine)} failed"
        axes.annotate(told, (1, row), (-4, 0), xycoords=("axes fraction", "data"),
                      textcoords="offset points", ha="right", va="center", color=_FAILED,
                      fontsize=9)  # fmt: skip
    return done


def _headline(found: Screening) -> str:
    """Which setting makes it fastest, alone."""
    best = max(found.effects, key=lambda effect: effect.gain, default=None)
    if best is None or best.gain <= math.exp(found.noise):
        return "no setting alone is faster than the program's own by more than chance"
    return f"{best.setting} = {_told(best.best)} alone is {best.gain:.2f} times faster"


def _told(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
