"""Benchmark ``families``: what guesses and settings are worth on problem families."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metasolve.bench.family_guesses import GALERKIN, RIDGE, Plan
from metasolve.bench.family_measurement import (
    BOTH,
    GLOBAL,
    KSP_GUESSES,
    OURS,
    ZERO,
    Amounts,
    Score,
    break_even,
    measure,
)
from metasolve.bench.result import Report, Result, Row, Section, panels, save, silent
from metasolve.family import Family

PLANS: Mapping[str, Plan] = {
    "poisson1d": Plan("sine", calls=4000, hidden=(64,)),
    "poisson1d_two_grid": Plan("sine", calls=4000, hidden=(64,)),
    "biharmonic": Plan("identity", calls=4000, hidden=(64,)),
    "elasticity3d": Plan("identity", calls=2000, hidden=(64,)),
}
"""Families with a plan of their own: the codecs of the published experiments.

Their nets had 512 and 1024 hidden units; from 1000 solutions 64 learn to predict better.
"""

OVERVIEW = "all families: total time relative to a zero guess under the application's own settings"
CLASSICAL = {RIDGE, GALERKIN, *(f"KSPGuess {kind}" for kind in KSP_GUESSES)}
"""Baselines that guess without learning from features or entries of A."""

_COLOURS = {ZERO: "0.6", GLOBAL: "#ccbb44", OURS: "#4477aa", BOTH: "#228833"}


@dataclass(frozen=True)
class Families:
    """The benchmark's outcome."""

    result: Result

    def plot(self, path: Path) -> None:
        """One panel per family and tolerance: time of each contender relative to a zero guess."""
        sections = [each for each in self.result.sections if each.title != OVERVIEW]
        figure, axes = panels(len(sections), columns=2)
        for axis, section in zip(axes, sections, strict=True):
            rows = list(reversed(section.rows))
            shown = np.array(
                [[row["time"], row["least"], row["most"]] for row in rows], dtype=float
            )
            error = np.maximum([shown[:, 0] - shown[:, 1], shown[:, 2] - shown[:, 0]], 0.0)
            colours = [_COLOURS.get(row["contender"], "#ee6677") for row in rows]
            axis.barh(range(len(rows)), shown[:, 0], xerr=error, color=colours)
            axis.set_yticks(range(len(rows)), [row["contender"] for row in rows], fontsize=7)
            axis.axvline(1.0, color="0.4", lw=0.9)
            axis.set_title(section.title, fontsize=8)
            axis.set_xlabel("total time relative to a zero guess", fontsize=8)
            axis.set_xlim(0, min(1.6, 1.1 * shown.max()))
        save(figure, path)


def run(
    families: Sequence[tuple[Family, str]],
    seeds: Sequence[int],
    amounts: Amounts = Amounts(),  # noqa: B008 (frozen)
    *,
    tolerances: Sequence[float] | None = None,
    report: Report = silent,
) -> Families:
    """Measure families, each at a size and at all of its tolerances.

    Parameters
    ----------
    families
        With the name of the size.
    seeds
        Of training, validation and test instances, of the networks and of the search.
    amounts
        How much is drawn and measured.
    tolerances
        Instead of those of the families.
    """
    sections, overview = [], []
    for family, size in families:
        plan = PLANS.get(family.name, Plan())
        chosen = list(tolerances or family.tolerances)
        scores = [measure(family, chosen, size, seed, plan, amounts, report) for seed in seeds]
        for rtol, each in zip(chosen, zip(*scores, strict=True), strict=True):
            title = f"{family.name}, {_sized(family, size)}, rtol {rtol:g}"
            sections.append(Section(f"{title}: {amounts.test} unseen", rows(each)))
            overview.append({"family": title, **summary(sections[-1].rows)})
    sections.append(Section(OVERVIEW, overview))
    settings = {
        "families": [f"{family.name}, {_sized(family, size)}" for family, size in families],
        "seeds": list(seeds),
        **vars(amounts),
    }
    return Families(Result("families", settings, sections))


def rows(scores: Sequence[Sequence[Score]]) -> list[Row]:
    """One row per contender, over seeds: the mean, the least and the most of the time ratios."""
    return [_row(each, [seed[0] for seed in scores]) for each in zip(*scores, strict=True)]


def _row(scores: Sequence[Score], zeros: Sequence[Score]) -> Row:
    pairs = list(zip(scores, zeros, strict=True))
    ratios = [float(score.seconds.sum() / zero.seconds.sum()) for score, zero in pairs]
    single = np.concatenate([score.seconds / zero.seconds for score, zero in pairs])
    first = scores[0].contender
    what = list(dict.fromkeys(score.contender.what for score in scores))
    return {
        "contender": first.name,
        "iterations": float(np.mean([score.iterations.mean() for score in scores])),
        "ms": float(np.mean([1e3 * score.seconds.mean() for score in scores])),
        "time": float(np.mean(ratios)),
        "least": min(ratios),
        "most": max(ratios),
        "worst solve": float(single.max()),
        "failed": sum(score.failures for score in scores),
        "calls": int(np.mean([score.contender.calls for score in scores])),
        "training s": float(np.mean([score.contender.seconds for score in scores])),
        "pays after": float(np.mean([break_even(score, zero) for score, zero in pairs])),
        "what": " | ".join(what),
    }


def summary(table: Sequence[Row]) -> Row:
    """One family's rows in one: the times of those that matter, and the strongest baseline."""
    time = {row["contender"]: row["time"] for row in table}
    classical = min(CLASSICAL & time.keys(), key=time.get)
    ours = next(row for row in table if row["contender"] == OURS)
    return {
        GLOBAL: time[GLOBAL],
        "strongest classical": classical,
        "its time": time[classical],
        OURS: time[OURS],
        BOTH: time[BOTH],
        "ours over zero": 1.0 / time[OURS],
        "over global": time[GLOBAL] / time[OURS],
        "over classical": time[classical] / time[OURS],
        "failed": ours["failed"],
        "pays after": ours["pays after"],
    }


def _sized(family: Family, size: str) -> str:
    arguments = family.size(size)
    return " ".join(f"{name}={value}" for name, value in arguments.items()) or size
