"""``python -m benchmarks parity``: see :mod:`benchmarks.parity`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import Json, Seed, Seeds, several

TOLERANCES = (1e-2, 1e-5)
"""Of sequences."""


def register(bench: typer.Typer) -> None:
    """Add the benchmark."""

    @bench.command("parity")
    def parity(
        of: Annotated[
            list[Path] | None,
            typer.Argument(
                help="Recordings, and case.toml or folders of such; problems, and the real codes "
                "of the coverage that are installed.",
                show_default=False,
            ),
        ] = None,
        model: Annotated[
            Path | None, typer.Option(help="Model directory; the shipped prior.")
        ] = None,
        seeds: Seeds = 3,
        seed: Seed = 1,
        most: Annotated[int, typer.Option(help="Systems of each with one seed.", min=1)] = 12,
        largest: Annotated[int, typer.Option(help="Rows of the largest of them.", min=1)] = 40_000,
        out: Annotated[
            Path | None, typer.Option(help="Keeps what is finished; the same command goes on.")
        ] = None,
        in_order: Annotated[
            bool,
            typer.Option(
                "--in-order",
                help="Sequences, in the order of their programs: recordings, and some of ours.",
            ),
        ] = False,
        json_: Json = None,
    ) -> None:
        """Errors of a model's answers over the program's own, or what its tolerance stands for."""
        from benchmarks.parity import Limits, run
        from benchmarks.parity_in_order import run as run_in_order
        from benchmarks.parity_sources import cases, real_codes, recorded
        from benchmarks.parity_sources import in_order as programs_in_order
        from metasolve.cli.progress import Progress, console
        from metasolve.files.shipped import shipped
        from metasolve.petsc.launch import MANIFEST

        sources = []
        for path in of or [] if in_order else of or [Path("problems")]:
            sources += [recorded(path)] if (path / MANIFEST).exists() else cases(path, most)
        if not of:
            sources += programs_in_order(TOLERANCES) if in_order else real_codes()
        chosen, limits = several(seeds, seed), Limits(most, largest)
        with Progress() as progress:
            if in_order:
                result = run_in_order(sources, model or shipped(), limits, out, progress)
            else:
                result = run(sources, model or shipped(), chosen, limits, out, progress)
        for table in result.tables()[1:]:
            console(width=150).print(table)
        if json_ is not None:
            json_.write_text(json.dumps(result.document(), indent=1) + "\n")
