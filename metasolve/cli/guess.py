"""``metasolve guess``: learn where solves start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metasolve.cli.arguments import Json

if TYPE_CHECKING:
    from rich.table import Table

    from metasolve.recorded.guess import LearnedGuess


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    def guess(
        recording: Annotated[
            Path, typer.Argument(help="Recording directory, or case.toml.", show_default=False)
        ],
        model: Annotated[
            Path,
            typer.Option(
                "--out", "-o", help="Model directory, new or trained.", show_default=False
            ),
        ],
        modes: Annotated[
            list[int] | None,
            typer.Option(
                min=1, max=1024, help="Size of the guess; may be repeated. Default: 8 to 128."
            ),
        ] = None,
        runs: Annotated[
            int, typer.Option(min=16, help="Of a program: runs to learn from and to validate on.")
        ] = 96,
        calls: Annotated[
            int, typer.Option(min=0, help="Solver calls to find settings that go with it.")
        ] = 120,
        repeats: Annotated[int, typer.Option(min=1, help="Timed solves of each.")] = 3,
        seed: Annotated[int, typer.Option(help="Of the systems that are held out.")] = 0,
        json_: Json = False,
    ) -> None:
        """Learn an initial guess, and add it to a model if it pays.

        For linear systems on one grid, of a recording, or for the Newton solve of a program's case.
        """
        from metasolve.cli.progress import Progress, console
        from metasolve.program.case_file import is_case
        from metasolve.recorded.guess import MODES, learn_guess

        if is_case(recording):
            _of_program(recording, model, runs, repeats, seed, json_)
        with Progress() as progress:
            found = learn_guess(
                recording,
                model,
                modes=modes or MODES,
                calls=calls,
                repeats=repeats,
                seed=seed,
                progress=progress,
            )
        if json_:
            typer.echo(json.dumps(found.to_dict(), indent=1))
        else:
            console().print(table(found))
            typer.echo(verdict(found, model))
        raise typer.Exit(0 if found.winner else 1)


def _of_program(case: Path, model: Path, runs: int, repeats: int, seed: int, json_: bool) -> None:
    from metasolve.cli.progress import Progress
    from metasolve.program.newton import learn_start

    with Progress() as progress:
        found = learn_start(case, model, runs=runs, repeats=repeats, seed=seed, progress=progress)
    if json_:
        typer.echo(json.dumps(found.to_dict(), indent=1))
    else:
        typer.echo(
            f"start of Newton's method of {found.modes} modes, learned from {found.learned} "
            f"solutions on {found.grids} grids; on {found.validated} other runs: total time "
            f"{found.time:.3f} of that without, slowest run {found.worst:.3f}, "
            f"{found.failures} failures"
        )
        for reason in found.reasons:
            typer.echo(f"failed with the start and not without, {reason}")
        told = f"model: {model}, now with a start" if found.kept else "not kept: nothing written"
        typer.echo(told)
    raise typer.Exit(0 if found.kept else 1)


def table(found: LearnedGuess) -> Table:
    """What was raced."""
    from rich.table import Table

    title = (
        f"{found.validated} systems of {found.rows} unknowns, unseen; "
        f"learned from {found.learned} others"
    )
    result = Table(title=title)
    result.add_column("start")
    for name in ("total time", "slowest solve", "failures", "systems"):
        result.add_column(name, justify="right")
    for each in found.contenders:
        counts = str(each.failures), str(each.systems)
        result.add_row(each.name, f"{each.time:.3f}", f"{each.worst:.3f}", *counts)
    return result


def verdict(found: LearnedGuess, model: Path) -> str:
    """One line: what was kept, and where."""
    if found.winner is None:
        return "no guess is faster than starting from zero here: nothing was written"
    saved = 1.0 / found.winner.time
    told = f"model: {model}, now with a guess of {found.modes} modes: {saved:.2f}x"
    if found.winner.settings != "guess":
        return told
    return f"{told}, going on with {' '.join(f'-{k} {v}' for k, v in found.options.items())}"
