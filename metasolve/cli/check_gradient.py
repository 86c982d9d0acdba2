"""``metasolve check-gradient``: what the cost looks like along each setting."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from metasolve.cli.arguments import Json

if TYPE_CHECKING:
    from rich.table import Table

    from metasolve.solve.cost import Measure
    from metasolve.solve.instance import Instance
    from metasolve.solve.solver import Solver
    from metasolve.space import Space
    from metasolve.train.evaluator import Evaluator
    from metasolve.train.slopes import Slope


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(name="check-gradient")
    def check_gradient(
        source: Annotated[Path, typer.Argument(help="Recording directory, or case.toml.")],
        instances: Annotated[int, typer.Option(help="Instances to look at.", min=1)] = 2,
        seed: Annotated[int, typer.Option(help="Seed of the choice of instances.")] = 0,
        space: Annotated[
            Path | None, typer.Option(help="What may be set (toml); as for `metasolve train`.")
        ] = None,
        measure: Annotated[
            Literal["iterations", "flops", "seconds"],
            typer.Option(help="Of a recording: what the cost is made of."),
        ] = "iterations",
        plot: Annotated[
            Path | None, typer.Option("--plot", help="Write a plot to this file (png, pdf, svg).")
        ] = None,
        json_: Json = False,
    ) -> None:
        """Noise of the cost, step size and differences along each numeric setting of SOURCE."""
        from rich.console import Console

        from metasolve.cli.progress import Progress
        from metasolve.program.case_file import is_case
        from metasolve.train.slopes import slopes_of

        prepared = _of_case if is_case(source) else _of_recording
        evaluator, chosen = prepared(source, space, instances, seed, measure)
        try:
            with Progress() as progress:
                found = slopes_of(evaluator, chosen, progress)
        finally:
            getattr(evaluator.farm, "close", lambda: None)()
        if plot is not None:
            from metasolve.report.slopes_plot import draw

            plot.parent.mkdir(parents=True, exist_ok=True)
            draw(found, plot)
        if json_:
            told = {"calls": evaluator.calls, "slopes": [each.to_dict() for each in found]}
            typer.echo(json.dumps(told, indent=1, allow_nan=False))
            return
        console = Console(width=None if Console().is_terminal else 130)
        console.print(slopes_table(found, evaluator.calls))
        for line in advice(found):
            typer.echo(line)
        if plot is not None:
            typer.echo(f"plot: {plot}")


def _of_recording(
    source: Path, space: Path | None, count: int, seed: int, measure: Measure
) -> tuple[Evaluator, Space]:
    from metasolve.petsc.recording import Recording
    from metasolve.petsc.replay import Replay
    from metasolve.petsc.spaces import default_space
    from metasolve.space import Space
    from metasolve.train.inputs import usable

    recorded = Recording(source)
    chosen = Space.from_toml(space) if space else default_space(recorded)
    known = usable(recorded.instances())
    return _evaluator(Replay(None, chosen), known, count, seed, measure), chosen


def _of_case(
    source: Path, space: Path | None, count: int, seed: int, measure: Measure
) -> tuple[Evaluator, Space]:
    from metasolve.program.case_file import read_case
    from metasolve.program.consistency import check_program
    from metasolve.program.instances import instances
    from metasolve.program.solver import ProgramSolver
    from metasolve.space import Space

    del measure  # the case has it
    case = read_case(source)
    check_program(case)
    chosen = Space.from_toml(space) if space else case.space
    unit: Measure = "seconds" if case.cost.unit == "seconds" else "iterations"
    return _evaluator(ProgramSolver(case), instances(case, count, seed), count, seed, unit), chosen


def _evaluator(
    solver: Solver, known: Sequence[Instance], count: int, seed: int, measure: Measure
) -> Evaluator:
    import numpy as np

    from metasolve.errors import UsageError
    from metasolve.farm import SerialFarm
    from metasolve.solve.cost import Cost
    from metasolve.train.evaluator import Evaluator
    from metasolve.train.events import Events

    if not known:
        raise UsageError("no instance with finite features: record or describe others")
    order = np.random.default_rng(seed).permutation(len(known))[:count]
    chosen = [known[index] for index in sorted(order)]
    return Evaluator(SerialFarm(solver), chosen, Cost(measure), 10**9, Events(None))


def slopes_table(found: list[Slope], calls: int) -> Table:
    """One row per setting and instance."""
    from rich.table import Table

    table = Table(title=f"cost (logarithm) along each setting, {calls} solver calls")
    table.add_column("setting", overflow="fold")
    table.add_column("instance", overflow="fold", max_width=22)
    for name in ("noise", "step", "at step/10", "at step", "at 10 step"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for each in found:
        noise = "?" if each.noise is None else f"{each.noise:.1e}"
        differences = ["failed" if d is None else f"{d:.3g}" for d in each.differences]
        said = each.verdict.partition(":")[0]
        table.add_row(each.setting, each.instance, noise, f"{each.step:.1e}", *differences, said)
    return table


def advice(found: list[Slope]) -> list[str]:
    """What the table leaves out, in words: each verdict met, and why noise could not be told."""
    told = dict.fromkeys(each.verdict for each in found)
    unknown = dict.fromkeys(each.known for each in found if each.noise is None)
    return [*told, *(f"noise ?: {why}" for why in unknown)]
