"""The picture of an evaluation: which systems are faster, which were left alone, what is saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metasolve.report.drawing import number_axis, pyplot
from metasolve.report.evaluation import ACCEPTED, DEFAULT, GLOBAL, MODEL, Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What became of a system: words, colour, marker.
_KINDS = {
    "accelerated": ("solved by chosen settings", "#2a6fb0", "o"),
    "refused": ("left to own settings", "#9aa0a6", "o"),
    "fallback": ("chosen settings failed, own ones solved", "#e08a2e", "s"),
    "failed": ("no answer", "#c8452c", "x"),
}
_GLOBAL = "#4b9b6e"
_SOFT = "0.45"


def plot(evaluation: Evaluation, path: Path) -> None:
    """Write two panels: seconds beside the program's own, and how many times as fast.

    Parameters
    ----------
    path
        Its suffix gives the format.
    """
    plt = pyplot()
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    figure.suptitle(evaluation.headline(), fontsize=13, x=0.01, ha="left")
    kinds = _kinds(evaluation)
    _scatter(left, evaluation, kinds)
    _ordered(right, evaluation, kinds)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=4, fontsize=9, frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _kinds(evaluation: Evaluation) -> NDArray[np.str_]:
    """What became of each system, as `_KINDS` has it."""
    found = []
    records = [evaluation.measured[MODEL][each.id].record for each in evaluation.instances]
    for record, ok in zip(records, evaluation.ok(MODEL), strict=True):
        source = record.get("source", "")
        kind = "accelerated" if source in ACCEPTED else source
        found.append("failed" if not ok else kind if kind in _KINDS else "refused")
    return np.array(found)


def _scatter(axes: Axes, evaluation: Evaluation, kinds: NDArray[np.str_]) -> None:
    own, ours = (1e3 * evaluation.seconds(name) for name in (DEFAULT, MODEL))
    ends = np.array([min(own.min(), ours.min()) / 1.3, 1.3 * max(own.max(), ours.max())])
    axes.fill_between(ends, ends, ends[0] / 10, color="#eef4fa", zorder=0, lw=0)
    for kind, (words, colour, marker) in _KINDS.items():
        here = kinds == kind
        if here.any():
            label = f"{words} ({int(here.sum())})"
            face = "none" if kind == "refused" else colour
            style: dict[str, Any] = (
                {"c": colour} if marker == "x" else {"edgecolors": colour, "facecolors": face}
            )
            axes.scatter(own[here], ours[here], s=34, marker=marker, label=label, **style)
    lost = ~evaluation.ok(DEFAULT)
    if lost.any():
        label = f"own settings failed ({int(lost.sum())})"
        axes.scatter(own[lost], ours[lost], s=90, marker="o", facecolors="none",
                     edgecolors="#c8452c", label=label)  # fmt: skip
    for times, dashes in ((1, "-"), (2, "--"), (5, ":")):
        axes.plot(ends, ends / times, dashes, color="0.6", lw=0.9, zorder=1)
        if ends[1] / times > ends[0]:
            told = "as fast" if times == 1 else f"{times} times"
            axes.annotate(told, (ends[1], ends[1] / times), (4, 0), color=_SOFT, fontsize=8,
                          textcoords="offset points", ha="left", va="center")  # fmt: skip
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    axes.set_xlabel("under the program's own settings, ms")
    axes.set_ylabel("under metasolve, ms")
    axes.set_title("Each system: in the shaded half it is faster", fontsize=10, loc="left")
    number_axis(axes.xaxis)
    number_axis(axes.yaxis)


def _ordered(axes: Axes, evaluation: Evaluation, kinds: NDArray[np.str_]) -> None:
    from matplotlib.ticker import MaxNLocator

    ok = evaluation.ok(DEFAULT) & evaluation.ok(MODEL)
    axes.set_title("How many times as fast as own settings, slowest first", fontsize=10, loc="left")
    if not ok.any():
        axes.text(0.5, 0.5, "nothing to compare", ha="center", transform=axes.transAxes)
        return
    times = evaluation.seconds(DEFAULT)[ok] / evaluation.seconds(MODEL)[ok]
    order = np.argsort(times)
    colours = [_KINDS[str(kind)][1] for kind in kinds[ok][order]]
    places = np.arange(1, len(order) + 1)
    axes.bar(places, times[order] - 1, bottom=1, color=colours, width=0.8)
    mean = float(np.exp(np.log(times).mean()))
    axes.axhline(mean, color="#2a6fb0", lw=1, ls="--")
    _beside(axes, mean, f"geometric mean {mean:.2f}", "#2a6fb0")
    if GLOBAL in evaluation.measured:
        both = evaluation.ok(DEFAULT) & evaluation.ok(GLOBAL)
        if both.any():
            ratio = evaluation.seconds(DEFAULT)[both] / evaluation.seconds(GLOBAL)[both]
            best = float(np.exp(np.log(ratio).mean()))
            axes.axhline(best, color=_GLOBAL, lw=1, ls=":")
            _beside(axes, best, f"best global setting {best:.2f}", _GLOBAL, above=best > mean)
    axes.axhline(1, color="0.4", lw=0.9)
    axes.set(yscale="log", xlabel="systems", xlim=(0.4, len(order) + 0.6))
    number_axis(axes.yaxis)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _beside(axes: Axes, y: float, told: str, colour: str, *, above: bool = True) -> None:
    axes.annotate(told, (0, y), (4, 3 if above else -3), xycoords=("axes fraction", "data"),
                  textcoords="offset points", va="bottom" if above else "top", fontsize=9,
                  color=colour)  # fmt: skip
