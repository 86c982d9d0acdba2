"""Draw instances of a case: one per line, values in the order of its [[vary]] tables.

    python problems/draw.py problems/convection_diffusion/case.toml 48 --seed 1 > cases.txt

With --options, each line holds `-name value` pairs for a program's command line instead.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def value(vary: dict[str, Any], share: float) -> str:
    """Return the value found at `share`, in [0, 1), of the range of `vary`."""
    if vary["type"] == "choice":
        return vary["values"][int(share * len(vary["values"]))]
    low, high = float(vary["low"]), float(vary["high"])
    if vary.get("scale") == "log":
        drawn = math.exp(math.log(low) + share * math.log(high / low))
    else:
        drawn = low + share * (high - low)
    return str(round(drawn)) if vary["type"] == "integer" else f"{drawn:.4g}"


def draw(case: dict[str, Any], count: int, seed: int) -> list[dict[str, str]]:
    """Return `count` instances from a Latin hypercube: every range is covered evenly."""
    rng = np.random.default_rng(seed)
    varies = case["vary"]
    strata = np.stack([rng.permutation(count) for _ in varies], axis=1)
    shares = (strata + rng.random(strata.shape)) / count
    return [
        {vary["name"]: value(vary, share) for vary, share in zip(varies, row, strict=True)}
        for row in shares
    ]


def main() -> None:
    """Print the instances that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", type=Path, help="case.toml")
    parser.add_argument("count", type=int, help="number of instances")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--options", action="store_true", help="print `-name value` pairs")
    arguments = parser.parse_args()
    case = tomllib.loads(arguments.case.read_text())
    for instance in draw(case, arguments.count, arguments.seed):
        words = (
            f"-{name} {text}" if arguments.options else text for name, text in instance.items()
        )
        print(" ".join(words))


if __name__ == "__main__":
    main()
