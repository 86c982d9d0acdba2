"""Valid examples, to be mutated."""

import numpy as np
import pytest
import scipy.sparse as sp

from metasolve.guess import Projected
from metasolve.guess.guess_file import guess_bytes
from metasolve.guess.newton_file import NewtonGuess
from metasolve.model.gate import Bells, Gate
from metasolve.model.layer import Layer
from metasolve.model.model import Model, Standardisation
from metasolve.space import Choice, Flag, Integer, Real, Space

ROWS = 12  # of the system that guesses are for: readers.c makes it, too
SPACE = Space(
    (
        Choice("ksp_type", ("gmres", "cg", "bcgs"), symmetric=("cg",)),
        Choice("pc_type", ("jacobi", "sor", "gamg")),
        Integer("pc_sor_its", 1, 4, when={"pc_type": ("sor",)}),
        Real("pc_sor_omega", 0.2, 1.9, "log", when={"pc_type": ("sor",)}),
        Flag("pc_gamg_repartition", when={"pc_type": ("gamg",)}),
        Real("pc_gamg_threshold", -0.02, 0.2, when={"pc_gamg_repartition": (True,)}),
    ),
    fixed={"ksp_lag_norm": "1"},
)


def learned_model(names, petsc="3.18.5"):
    """A small model with all that a model can have."""
    rng, n = np.random.default_rng(5), len(names)
    box = Standardisation(tuple(names), np.zeros(n), np.ones(n), np.full(n, -9.0), np.full(n, 9.0))
    layers = (
        Layer(rng.normal(size=(3, n)), rng.normal(size=3), "tanh"),
        Layer(rng.normal(size=(SPACE.dim, 3)), rng.normal(size=SPACE.dim), "linear"),
    )
    host = Bells(np.array([0, 1]), np.ones(2), rng.normal(size=(4, 2)), rng.normal(size=4), 9.0)
    gate = Gate((Layer(rng.normal(size=(2, n)), np.zeros(2), "linear"),), host, 2.0)
    info = {"petsc": petsc, "features_version": 3, "expected": [0.0] * (n + 1), "seed": 1}
    info |= {"calls": {"train": 5}, "trained_on": ["a-0", "a-1"], "measure": "seconds", "cap": 9.0}
    second = SPACE.to_vector({"pc_type": "sor"})
    return Model("policy", SPACE, box, layers, info, gate, 7, 1e-5, second)


@pytest.fixture(scope="session")
def guess_file():
    """guess.bin of one operator, with settings of its own."""
    A = sp.diags_array([-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(ROWS, ROWS)).tocsr()
    b = np.random.default_rng(1).standard_normal((6, ROWS))
    x = np.linalg.solve(A.toarray(), b.T).T
    return guess_bytes(Projected(x, b, 3), A, options={"pc_type": "icc"}, expected=0.1)


@pytest.fixture(scope="session")
def newton_file():
    """newton.bin of vectors of one length."""
    rng = np.random.default_rng(2)
    y = rng.uniform(-1, 1, (8, 2))
    return NewtonGuess.fit(y, list(rng.standard_normal((8, ROWS))), modes=3).to_bytes()
