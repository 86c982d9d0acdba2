"""``metasolve check``: whether a case is usable, and which of its settings matter."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metasolve.cli.arguments import Json

if TYPE_CHECKING:
    from rich.table import Table

    from metasolve.program.screening import Screening


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def check(
        case: Annotated[Path, typer.Argument(metavar="CASE", help="case.toml, or its folder.")],
        instances: Annotated[int, typer.Option(help="Instances to try the settings on.")] = 2,
        seed: Annotated[int, typer.Option(help="Seed of the instances.")] = 0,
        plot_: Annotated[
            Path | None, typer.Option("--plot", help="Write a plot to this file (png, pdf, svg).")
        ] = None,
        json_: Json = False,
    ) -> None:
        """Run the program of CASE a few times: does its cost repeat, which settings matter."""
        from rich.console import Console

        from metasolve.cli.progress import Progress
        from metasolve.program.screening import screen

        with Progress() as progress:
            found = screen(case, count=instances, seed=seed, progress=progress)
        if plot_ is not None:
            from metasolve.program.screening_plot import plot

            plot_.parent.mkdir(parents=True, exist_ok=True)
            plot(found, plot_)
        if json_:
            typer.echo(json.dumps(found.to_dict(), indent=1, allow_nan=False))
            return
        console = Console(width=None if Console().is_terminal else 100)
        console.print(effects_table(found))
        for line in verdict(found):
            typer.echo(line)
        if plot_ is not None:
            typer.echo(f"plot: {plot_}")


def effects_table(found: Screening) -> Table:
    """The settings, those that matter most first."""
    from rich.table import Table

    table = Table(title=f"{found.case}: one setting at a time, {found.calls} runs")
    table.add_column("setting")
    for name in ("dearest / cheapest", "best value", "gain", "failed", "matters"):
        table.add_column(name, justify="right")
    for each in found.effects:
        table.add_row(
            each.setting,
            f"{math.exp(each.spread):.2f}",
            f"{each.best:.4g}" if isinstance(each.best, float) else str(each.best),
            f"{each.gain:.2f}x",
            f"{each.failures} of {each.trials}",
            "yes" if each.matters else "no",
        )
    return table


def verdict(found: Screening) -> list[str]:
    """What the table leaves out, in words."""
    lines = [f"cost: two equal runs differ by {100 * math.expm1(found.noise):.1f} %"]
    if found.noise > 0.2:
        lines[0] += "; too much to learn from: run longer instances, or read a count"
    if found.answer_noise is not None:
        lines.append(f"answer: two equal runs differ by {found.answer_noise:.2g}")
    if found.defaults is None:
        lines.append("defaults: the declared defaults, given explicitly, fail; correct the space")
    else:
        ratio = math.exp(found.defaults)
        lines.append(f"defaults: given explicitly they cost {ratio:.2f} times the program's own")
    if found.unused:
        lines.append(
            f"not consumed by PETSc: {', '.join(found.unused)}; correct the spelling or leave out"
        )
    return lines
