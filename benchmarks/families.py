"""Benchmark ``families``: what metasolve is worth on problem families, beside its baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.family_guesses import GALERKIN, KERNEL, RIDGE, Plan
from benchmarks.family_measurement import measure
from benchmarks.family_score import (
    GLOBAL,
    HAND,
    KSP_GUESSES,
    NEAREST,
    OURS,
    PREVIOUS,
    ZERO,
    Amounts,
    Score,
    break_even,
    resolved,
)
from benchmarks.parts import Part, Parts
from benchmarks.program_measurement import measure_program
from metasolve.errors import UsageError
from metasolve.family import Family
from metasolve.family.family import is_family
from metasolve.program.case_file import read_case
from metasolve.report.result import Report, Result, Row, Section, panels, save, silent

PLANS: Mapping[str, Plan] = {
    "poisson1d": Plan("sine", calls=4000, hidden=(64,)),
    "poisson1d_two_grid": Plan("sine", calls=4000, hidden=(64,)),
    "biharmonic": Plan("identity", calls=4000, hidden=(64,)),
    "elasticity3d": Plan("identity", calls=2000, hidden=(64,)),
}
"""Families with a plan of their own: the codecs of the published experiments.

Their nets had 512 and 1024 hidden units; from 1000 solutions 64 learn to predict better.
"""

OVERVIEW = "all families: total time relative to the default, to equal true residual"
CLASSICAL = {
    *(HAND, NEAREST, PREVIOUS, RIDGE, KERNEL, GALERKIN),
    *(f"KSPGuess {kind}" for kind in KSP_GUESSES),
}
"""Baselines that need no network and no entries of A."""

_COLOURS = {ZERO: "0.6", GLOBAL: "#ccbb44", OURS: "#4477aa"}


@dataclass(frozen=True)
class Families:
    """The benchmark's outcome."""

    result: Result

    def plot(self, path: Path) -> None:
        """One panel per family and tolerance: time of each contender relative to the default."""
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
            axis.set_xlabel("total time relative to the default", fontsize=8)
            axis.set_xlim(0, min(1.6, 1.1 * shown.max()))
        save(figure, path)


@dataclass(frozen=True)
class Member:
    """A family of systems at a size and a tolerance, or a program.

    Attributes
    ----------
    name : as in the tables; files of what was measured are named after it.
    case : its case file.
    size, rtol : of a family of systems; None for a program.
    """

    name: str
    case: Path
    size: str | None = None
    rtol: float | None = None

    def scores(self, seed: int, amounts: Amounts, networks: bool, report: Report) -> list[Score]:
        """Measure with one seed."""
        if self.rtol is None or self.size is None:
            return measure_program(self.case, seed, amounts, report)
        family = Family.from_toml(self.case)
        plan = replace(PLANS.get(family.name, Plan()), networks=networks)
        return measure(family, self.case, self.rtol, self.size, seed, plan, amounts, report)


def members(
    paths: Sequence[Path], size: str = "default", tolerances: Sequence[float] | None = None
) -> list[Member]:
    """The families and programs that case files, or all those in folders of a folder, describe.

    Raises
    ------
    UsageError
        If there is none, one is invalid, or a family has no such size.
    """
    cases = [case for path in paths for case in _cases(path)]
    found = [member for case in cases for member in _members(case, size, tolerances)]
    if not found:
        raise UsageError(f"no family in {', '.join(map(str, paths))}; give a case.toml")
    return found


def _cases(path: Path) -> list[Path]:
    if path.is_dir() and not (path / "case.toml").is_file():
        inside = sorted(path.glob("*/*.toml"))
        return [each for each in inside if each.name == "case.toml" or is_family(each)]
    return [path / "case.toml" if path.is_dir() else path]


def _members(case: Path, size: str, tolerances: Sequence[float] | None) -> list[Member]:
    if not is_family(case):
        program = read_case(case)
        return [Member(program.name, case)] if program.space.settings else []
    family = Family.from_toml(case)
    arguments = family.size(size)
    sized = " ".join(f"{name}={value}" for name, value in arguments.items())
    name = f"{family.name}, {sized}" if sized else family.name
    return [
        Member(f"{name}, rtol {rtol:g}", case, size, rtol)
        for rtol in tolerances or family.tolerances
    ]


def run(
    chosen: Sequence[Member],
    seeds: Sequence[int],
    amounts: Amounts = Amounts(),  # noqa: B008 (frozen)
    *,
    networks: bool = False,
    out: Path | None = None,
    report: Report = silent,
) -> Families:
    """Measure families and programs, one after the other.

    Parameters
    ----------
    chosen
        See `members`.
    seeds
        Of training and test instances, of training, of the networks and of the search.
    amounts
        How much is drawn and measured.
    networks
        Whether to compare with networks that predict solutions, too.
    out
        Directory that keeps what is finished; the same benchmark goes on from there.
    """
    settings = {**asdict(amounts), "networks": networks}
    parts = Parts(out, settings)
    sections, overview = [], []
    for member in chosen:
        found = []
        for seed in seeds:
            doing = partial(_part, member, seed, amounts, networks, report)
            part = parts.of(f"{_slug(member.name)}-{seed}", doing)
            found.append([Score(**each) for each in part["scores"]])
        plural = "s" * (len(seeds) != 1)
        title = f"{member.name}: {amounts.test} unseen, {len(seeds)} seed{plural}"
        sections.append(Section(title, rows(found)))
        overview.append({"family": member.name, **summary(sections[-1].rows)})
    sections.append(Section(OVERVIEW, overview))
    told = {"families": [each.name for each in chosen], "seeds": list(seeds), **settings}
    return Families(Result("families", told, sections))


def _part(member: Member, seed: int, amounts: Amounts, networks: bool, report: Report) -> Part:
    return {"scores": [asdict(each) for each in member.scores(seed, amounts, networks, report)]}


def _slug(name: str) -> str:
    return "".join(each if each.isalnum() or each in ".-=" else "_" for each in name)


def rows(scores: Sequence[Sequence[Score]]) -> list[Row]:
    """One row per contender, over seeds: the mean, the least and the most of the time ratios.

    What a contender fails on is solved again by the default, of the default what it did.
    """
    names = dict.fromkeys(each.contender for seed in scores for each in seed)
    known = [{each.contender: each for each in seed} for seed in scores]
    return [
        _row([seed[name] for seed in known if name in seed], [s[ZERO] for s in known if name in s])
        for name in names
    ]


def _row(scores: Sequence[Score], zeros: Sequence[Score]) -> Row:
    pairs = list(zip(scores, zeros, strict=True))
    single = [resolved(score, zero) / zero.seconds for score, zero in pairs]
    ratios = [float(resolved(score, zero).sum() / np.sum(zero.seconds)) for score, zero in pairs]
    each = np.concatenate(single)
    what = list(dict.fromkeys(score.what for score in scores))
    return {
        "contender": scores[0].contender,
        "iterations": float(np.mean([np.mean(score.iterations) for score in scores])),
        "ms": float(np.mean([1e3 * np.mean(score.seconds) for score in scores])),
        "time": float(np.mean(ratios)),
        "least": min(ratios),
        "most": max(ratios),
        "each": float(np.exp(np.log(each).mean())),
        "worst solve": float(each.max()),
        "failed": int(sum(np.sum(score.failed) for score in scores)),
        "calls": int(np.mean([score.calls for score in scores])),
        "training s": float(np.mean([score.training for score in scores])),
        "pays after": float(np.mean([break_even(score, zero) for score, zero in pairs])),
        "what": " | ".join(what),
    }


def summary(table: Sequence[Row]) -> Row:
    """One family's rows in one: what matters, and the strongest baseline of its kind."""
    by_name = {row["contender"]: row for row in table}
    ours, best_global = by_name[OURS], by_name[GLOBAL]
    solved = [by_name[name] for name in CLASSICAL & by_name.keys()]
    classical = min(solved, key=lambda row: (row["failed"], row["each"]), default=None)
    return {
        "default ms": by_name[ZERO]["ms"],
        GLOBAL: best_global["time"],
        "strongest classical": classical and classical["contender"],
        "its time": classical and classical["time"],
        OURS: ours["time"],
        "x default": 1.0 / ours["each"],
        "x global": best_global["each"] / ours["each"],
        "x classical": classical and classical["each"] / ours["each"],
        "worst solve": ours["worst solve"],
        "failed default, ours": f"{by_name[ZERO]['failed']}, {ours['failed']}",
        "pays after": ours["pays after"],
    }
