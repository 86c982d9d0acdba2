"""The plot of the slopes: one panel per setting, differences against the step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metasolve.report.result import panels, save
from metasolve.train.slopes import WHOLE, Slope

_COLOURS = {
    "smooth": "#228833",
    "staircase": "#ee6677",
    "insensitive": "#bbbbbb",
    "noisy": "#ccbb44",
    "unknown": "#aa3377",
    "whole steps": "#4477aa",
}


def draw(found: Sequence[Slope], path: Path) -> None:
    """Write a figure: a curve per instance, its colour the verdict; level curves are smooth."""
    names = list(dict.fromkeys(each.setting for each in found))
    figure, axes = panels(len(names))
    for name, axis in zip(names, axes, strict=True):
        for each in (slope for slope in found if slope.setting == name):
            factors = (1.0, 2.0, 3.0) if each.verdict == WHOLE else (0.1, 1.0, 10.0)
            shown = [
                (each.step * factor, d)
                for factor, d in zip(factors, each.differences, strict=True)
                if d is not None
            ]
            kind = each.verdict.partition(":")[0]
            if shown:
                axis.plot(*zip(*shown, strict=True), "o-", ms=4, color=_COLOURS[kind], label=kind)
        axis.axhline(0.0, color="0.7", lw=0.8)
        axis.set(xscale="log", title=name, xlabel="step, in coordinates of [-1, 1]")
        axis.title.set_fontsize(9)
        handles, labels = axis.get_legend_handles_labels()
        named = dict(zip(labels, handles, strict=True))
        axis.legend(named.values(), named.keys(), fontsize=7)
    axes[0].set_ylabel("difference quotient of the cost")
    save(figure, path)
