"""What `metasolve run` adds to the start of a program: ``python benchmarks/start_up.py``.

The program is ``true``, which takes less than a millisecond. Starts of metasolve, of the Python
that it is installed in and of the program alone take turns; medians are printed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from metasolve.model.pinned import pin


def seconds(command: Sequence[str]) -> float:
    """Wall seconds of a command from start to end."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd="/")
    return time.perf_counter() - began


def measure(metasolve: str, repeats: int) -> dict[str, float]:
    """Median seconds of each way to start, after one start of each that is not counted."""
    beside = Path(metasolve).with_name("python")
    python = str(beside) if beside.exists() else sys.executable
    with tempfile.TemporaryDirectory() as folder:
        model = pin(Path(folder) / "model", {"pc_type": "jacobi"})
        ways = {
            "the program alone": ["true"],
            "Python alone": [python, "-c", "pass"],
            "metasolve run": [metasolve, "run", str(model), "--", "true"],
        }
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(repeats + 1):
            for name, command in ways.items():
                taken[name].append(seconds(command))
    return {name: statistics.median(each[1:]) for name, each in taken.items()}


def main(words: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    beside = shutil.which("metasolve", path=str(Path(sys.executable).parent)) or "metasolve"
    parser.add_argument("--metasolve", default=beside, help="the command that is measured")
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args(words)
    found = measure(asked.metasolve, asked.repeats)
    for name, median in found.items():
        sys.stdout.write(f"{name:<20} {1e3 * median:7.1f} ms\n")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
