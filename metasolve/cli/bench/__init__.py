"""``metasolve bench``: reproduce a measurement. One module here per benchmark."""

from __future__ import annotations

from importlib import import_module

import typer

BENCHMARKS: tuple[str, ...] = (
    "functions",
    "estimators",
    "training",
    "frank_wolfe",
    "fixed_point",
    "spry",
    "scaling",
    "channel",
    "families",
)


def register(app: typer.Typer) -> None:
    """Add the command, with one sub-command per benchmark, to the application."""
    bench = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Reproduce a measurement: a table, --json beside it, and a plot.",
    )
    for name in BENCHMARKS:
        import_module(f"metasolve.cli.bench.{name}").register(bench)
    app.add_typer(bench, name="bench")
