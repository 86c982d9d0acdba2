"""Benchmark ``channel``: a wall-stress closure trained through the program that uses it.

Flows whose first grid point has y+ 30 to 100; the reference is the same program, resolved down to
the wall. The network learns on flows of the case's ranges and is tested on others: of the same
ranges, and beyond them, at up to four times the Reynolds number and a gradient range twice as wide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import wall_model
from benchmarks.channel_program import draw, numbers, solve
from metasolve.errors import UsageError
from metasolve.program.case import Case
from metasolve.program.case_file import read_case
from metasolve.program.consistency import check_program
from metasolve.report.result import Report, Result, Row, Section, panels, save, silent, spread

Array = NDArray[np.float64]
BAND = (30.0, 100.0)
LOG, TRAINED, SUPERVISED = "log law", "trained network", "supervised network"
LAWS = {LOG: "log", "Spalding": "spalding", "Reichardt": "reichardt"}
WITHIN, BEYOND = "within", "beyond"
_TITLES = {WITHIN: "unseen flows of the trained ranges", BEYOND: "flows beyond the trained ranges"}
_COLOURS = dict(
    zip(
        (*LAWS, SUPERVISED, TRAINED),
        ("0.4", "#ccbb44", "#228833", "#66ccee", "#ee6677"),
        strict=True,
    )
)
_VARY = ("reynolds", "gradient", "points")


@dataclass(frozen=True)
class Test:
    """All closures on one set of flows.

    Attributes
    ----------
    reynolds : friction Reynolds number u_tau / nu of the resolved flows, (n,).
    errors : closure to relative error of the wall stress, (n,).
    converged : closure to whether Newton's method did, (n,).
    iterations : closure to its mean number of Newton steps.
    """

    reynolds: Array
    errors: dict[str, Array]
    converged: dict[str, NDArray[np.bool_]]
    iterations: dict[str, float]


@dataclass(frozen=True)
class Channel:
    """The benchmark's outcome and what its figure needs besides."""

    result: Result
    tests: list[dict[str, Test]]
    costs: list[list[float]]

    def plot(self, path: Path) -> None:
        """Errors of the first seed by friction Reynolds number; cost by step of every seed."""
        figure, axes = panels(3)
        for axis, (key, title) in zip(axes, _TITLES.items(), strict=False):
            test = self.tests[0][key]
            for name, errors in test.errors.items():
                axis.plot(test.reynolds, 100.0 * errors, "o", ms=3, c=_COLOURS[name], label=name)
            axis.axhline(0.0, color="k", lw=0.5)
            axis.set(xscale="log", xlabel=r"$Re_\tau$", ylabel="error of the wall stress, %")
            axis.set_title(title, fontsize=10)
        axes[0].legend(fontsize=7)
        for costs in self.costs:
            axes[2].plot(costs, color=_COLOURS[TRAINED], lw=0.9)
        axes[2].set(yscale="log", xlabel="step", ylabel="cost")
        axes[2].set_title("training through the program, every seed", fontsize=10)
        save(figure, path)


def run(
    case: str | Path,
    seeds: Sequence[int],
    *,
    steps: int = 100,
    flows: int = 48,
    unseen: int = 64,
    report: Report = silent,
) -> Channel:
    """Train and test with every seed: its own flows, initial weights and tangents.

    Parameters
    ----------
    case : case.toml of the channel program.
    steps : of training.
    flows, unseen : to train on, and to test on within and beyond the trained ranges.

    Raises
    ------
    UsageError
        If the case is not one of the channel program, or that program cannot be found.
    """
    described = read_case(case)
    check_program(described)
    _check_names(described)
    tests, costs, solved = [], [], 0
    for done, seed in enumerate(seeds):
        learn = draw(described, flows, (seed, 1), BAND)
        resolved = solve(described, ["resolved"], learn)
        training = wall_model.train(
            described,
            learn,
            resolved.wall_stress[0],
            steps,
            seed,
            _part(report, done * steps, len(seeds) * steps),
        )
        networks = {
            SUPERVISED: wall_model.network_law(wall_model.fit(learn, resolved, seed)),
            TRAINED: wall_model.network_law(training.weights),
        }
        tests.append(
            {
                WITHIN: _tested(described, networks, unseen, (seed, 2)),
                BEYOND: _tested(beyond(described), networks, unseen, (seed, 3)),
            }
        )
        costs.append(training.costs)
        solved = training.solved
    settings = {"seeds": list(seeds), "steps": steps, "flows": flows, "unseen": unseen}
    settings |= {"flows solved in a training": solved, "runs in a training": steps}
    sections = [
        Section(f"Error of the wall stress, %: {title}", _rows([each[key] for each in tests]))
        for key, title in _TITLES.items()
    ]
    return Channel(Result("channel", settings, sections), tests, costs)


def _check_names(case: Case) -> None:
    declared = {each.name for each in case.varies.settings}
    missing = [name for name in _VARY if name not in declared]
    if missing or not case.input or case.input[0].format != "template":
        what = f"vary {missing[0]!r} is missing" if missing else "input is no template"
        raise UsageError(f"case {case.name}: {what}; give problems/channel/case.toml")


def _part(report: Report, before: int, total: int) -> Callable[[int], None]:
    """Report of one of several trainings, by its steps."""
    return lambda step: report("channel", before + step, total)


def beyond(case: Case) -> Case:
    """The case at Reynolds numbers and pressure gradients that training did not see."""

    def moved(vary: dict[str, Any]) -> dict[str, Any]:
        low, high = vary["low"], vary["high"]
        if vary["name"] == "reynolds":
            return {**vary, "low": high, "high": 4.0 * high}
        if vary["name"] == "gradient":
            return {**vary, "low": low - 0.5 * (high - low), "high": high + 0.5 * (high - low)}
        return {**vary, "high": 2 * high}

    return Case.from_dict({**case.to_dict(), "vary": [moved(vary) for vary in case.vary]})


def _tested(case: Case, networks: dict[str, str], count: int, seed: Sequence[int]) -> Test:
    flows = draw(case, count, seed, BAND)
    closures = {**LAWS, **networks}
    found = solve(case, ["resolved", *closures.values()], flows)
    reference = found.wall_stress[0]
    rows = {name: row for row, name in enumerate(closures, start=1)}
    return Test(
        np.sqrt(reference) * numbers(flows, "reynolds"),
        {name: found.wall_stress[row] / reference - 1.0 for name, row in rows.items()},
        {name: found.converged[row] for name, row in rows.items()},
        {name: float(found.iterations[row].mean()) for name, row in rows.items()},
    )


def _rows(tests: Sequence[Test]) -> list[Row]:
    """One row per closure: root mean square over flows, its spread over seeds."""
    rows: list[Row] = []
    for name in _COLOURS:
        error = np.array([_rms(test, name) for test in tests])
        log = np.array([_rms(test, LOG) for test in tests])
        row: dict[str, Any] = {"closure": name, **spread(100.0 * error)}
        row["worst flow"] = 100.0 * max(_largest(test, name) for test in tests)
        row["of log law"] = float(np.mean(error / log))
        row["worst seed"] = float(np.max(error / log))
        row["diverged"] = int(sum((~test.converged[name]).sum() for test in tests))
        row["Newton steps"] = float(np.mean([test.iterations[name] for test in tests]))
        rows.append(row)
    return rows


def _rms(test: Test, name: str) -> float:
    return float(np.sqrt(np.mean(test.errors[name] ** 2)))


def _largest(test: Test, name: str) -> float:
    return float(np.max(np.abs(test.errors[name])))
