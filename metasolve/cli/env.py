"""``metasolve env``: the variables that put a model in front of a program, for job scripts."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from metasolve.cli.front import Parser
from metasolve.cli.kept import Kept
from metasolve.cli.run import add_conduct, add_model, conduct_of, is_frozen, watch_of
from metasolve.errors import UsageError

HELP = """Print the lines a job script needs to run programs with MODEL, or with the prior.

For example: eval "$(metasolve env models/beam --log beam.jsonl)"

Then start the program as before, such as srun ./app. The summary that metasolve run prints at the
end is left out."""


def parser() -> Parser:
    """Return the parser of this command."""
    made = Parser("env", HELP)
    made.usage = "metasolve env [MODEL] [options]"
    add_model(made)
    add_conduct(made)
    made.add_argument(
        "--program",
        metavar="NAME",
        help="whose state is used, as metasolve run names it after the program; default: job",
    )
    made.add_seed()
    return made


def main(words: Sequence[str]) -> int:
    """Print the lines."""
    asked = parser().read(words)
    from metasolve.petsc import launch

    watch = watch_of(asked)
    if asked.state_id is not None and asked.program is None:
        raise UsageError(f"--state-id {asked.state_id}: of which program? Give --program NAME")
    kept = Kept.of(asked.state, writes=not is_frozen(asked))
    conduct = conduct_of(asked, asked.log, kept, [asked.program or "job"])
    variables = launch.environment(asked.model, watch, conduct)
    for name, value in sorted(variables.items()):
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    return 0
