"""The plot of an evaluation."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

from metasolve.report.drawing import pyplot
from metasolve.report.evaluation import DEFAULT, GLOBAL, MODEL, Evaluation

_COLOURS = {DEFAULT: "#4477aa", GLOBAL: "#ee6677"}
_LABELS = {DEFAULT: "program's own settings", GLOBAL: "best global setting"}


def plot(evaluation: Evaluation, path: Path) -> None:
    """Write two panels: seconds against the baselines, and the speed-up of every instance.

    Parameters
    ----------
    path
        Its suffix gives the format.
    """
    plt = pyplot()
    baselines = [name for name in (DEFAULT, GLOBAL) if name in evaluation.measured]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    _scatter(left, evaluation, baselines)
    _ordered(right, evaluation, baselines)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _scatter(axes: mpl.axes.Axes, evaluation: Evaluation, baselines: list[str]) -> None:
    ours = 1e3 * evaluation.seconds(MODEL)
    everything = [ours]
    for name in baselines:
        theirs = 1e3 * evaluation.seconds(name)
        ok = evaluation.ok(name) & evaluation.ok(MODEL)
        everything.append(theirs)
        label, colour = _LABELS[name], _COLOURS[name]
        axes.scatter(theirs[ok], ours[ok], s=26, color=colour, label=label, alpha=0.85)
        if (~ok).any():
            failed = f"{label}: failed"
            axes.scatter(theirs[~ok], ours[~ok], s=30, color=colour, marker="x", label=failed)
    ends = np.array([np.min(np.concatenate(everything)), np.max(np.concatenate(everything))])
    ends *= [0.8, 1.25]
    for factor, style in ((1, "-"), (2, "--"), (5, ":")):
        axes.plot(ends, ends / factor, style, color="0.6", lw=0.9, zorder=0)
        axes.annotate(f"{factor}x", (ends[1], ends[1] / factor), color="0.4", fontsize=8)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=(ends[0] / 1.5, ends[1]))
    axes.set_xlabel("baseline, milliseconds per solve")
    axes.set_ylabel("metasolve, milliseconds per solve")
    axes.set_title("Below the solid line: metasolve is faster", fontsize=10)
    axes.legend(fontsize=8, loc="upper left")


def _ordered(axes: mpl.axes.Axes, evaluation: Evaluation, baselines: list[str]) -> None:
    for name in baselines:
        ok = evaluation.ok(name) & evaluation.ok(MODEL)
        ratio = np.sort(evaluation.seconds(name)[ok] / evaluation.seconds(MODEL)[ok])
        if not len(ratio):
            continue
        mean = np.exp(np.log(ratio).mean())
        label = f"{_LABELS[name]}: {mean:.2f}x"
        axes.plot(range(1, len(ratio) + 1), ratio, "o-", ms=4, color=_COLOURS[name], label=label)
    axes.axhline(1, color="0.6", lw=0.9)
    axes.set(yscale="log", xlabel="instance, ordered by speed-up", ylabel="speed-up")
    axes.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 3, 5)))
    axes.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    axes.set_title("Speed-up per unseen instance (geometric means in the legend)", fontsize=10)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, loc="upper left")
