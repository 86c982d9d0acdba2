"""Fit the prior to a corpus."""

from __future__ import annotations

from collections.abc import Sequence

from metasolve.errors import UsageError
from metasolve.prior.candidates import Candidate, read_candidates
from metasolve.prior.corpus import Row
from metasolve.prior.forest import fit
from metasolve.prior.growth import grown, growth
from metasolve.prior.prior_file import LARGEST, Prior
from metasolve.prior.targets import guide, inputs, targets


def build(rows: Sequence[Row], candidates: Sequence[Candidate] | None = None) -> Prior:
    """Fit a prior to a corpus: the same, bit for bit, for the same rows in the same order.

    Raises
    ------
    UsageError
        If the rows do not have the same features, or the prior becomes too large to ship.
    """
    known = tuple(read_candidates() if candidates is None else candidates)
    names = tuple(rows[0].features)
    if any(tuple(row.features) != names for row in rows):
        raise UsageError("corpus: its systems have different features; measure it anew")
    X, Y = inputs(rows, names), targets(rows, known)
    grows = growth(rows, known, Y)
    left = Y - grown(X[:, names.index("log_rows")], grows)
    prior = Prior(names, known, grows, fit(X, left, guide(Y, known)))
    size = len(prior.to_bytes())
    if size > LARGEST:
        raise UsageError(f"prior of {size} bytes: at most {LARGEST}; fewer trees or leaves")
    return prior
