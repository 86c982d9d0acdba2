"""``python -m benchmarks``: reproduce a measurement: a table, --json beside it, and a plot."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from metasolve.cli.application import Commands
from metasolve.cli.main import ended

BENCHMARKS = (
    *("functions", "estimators", "training", "calls", "frank-wolfe", "fixed-point", "spry"),
    *("channel", "families", "coverage", "parity", "corpus", "prior", "first-run"),
    *("sequences", "last-mile"),
    *("sequence-programs", "sequence-training", "week", "savings"),
)
COMMANDS = Commands("python -m benchmarks", __doc__ or "", BENCHMARKS, "benchmarks.cli")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a benchmark and exit with its code: 2 for wrong usage, 1 for other errors."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(ended(lambda: COMMANDS.execute(words)))


if __name__ == "__main__":
    main()
