"""``python -m metasolve.prior [CORPUS [PRIOR]]``: fit the shipped prior to the shipped corpus."""

from __future__ import annotations

import sys
from pathlib import Path

from metasolve.errors import MetasolveError
from metasolve.prior import corpus, prior_file
from metasolve.prior.build import build


def main(words: list[str]) -> None:
    """Read the corpus, fit, write the prior."""
    paths = [Path(word) for word in words]
    source, target = [*paths, *(corpus.SHIPPED, prior_file.SHIPPED)[len(paths) :]][:2]
    try:
        rows = corpus.read_corpus(source)
        prior = build(rows)
        prior.save(target)
    except MetasolveError as error:
        sys.exit(f"metasolve.prior: {error}")
    forest = prior.forest
    size = target.stat().st_size
    sys.stdout.write(
        f"{target}: {len(rows)} systems, {len(prior.candidates)} candidates, {len(forest.root)} "
        f"trees, {len(forest.value)} leaves, {size} bytes\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
