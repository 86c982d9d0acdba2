import numpy as np
import pytest

from metasolve.prior import read_candidates
from metasolve.prior.corpus import Row, Taken

NAMES = ("log_rows", "nonzeros_per_row", "log_asymmetry", "negative_diagonal", "log_tolerance")


def system(number, good=True):
    """A system whose best candidates depend on its features, as a corpus holds it."""
    rng = np.random.default_rng(number)
    symmetric = number % 2 == 0
    features = dict(
        zip(NAMES, (3 + rng.random(), 5.0, -12.0 if symmetric else -1.0, 0.0, -6.0), strict=True)
    )
    taken = {}
    for place, each in enumerate(read_candidates()):
        if each.suits(features):
            seconds = 1e-3 * (1 + place) * np.exp(0.1 * rng.standard_normal())
            reason = "CONVERGED" if good or place % 3 else "DIVERGED"
            taken[each.name] = Taken(0.2 * seconds, 0.8 * seconds, 10, 1e-7, reason, 1.0)
    kind = ("even", "odd")[number % 2]
    return Row(f"{kind}{number % 4}", kind, number, "norm", 1e-6, features, taken, "a machine")


@pytest.fixture(scope="session")
def rows():
    return [system(number) for number in range(24)]
