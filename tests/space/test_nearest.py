"""Law: many coordinates at once are encoded as each of them alone."""

import numpy as np
import pytest

from metasolve.space import Choice, Flag, Integer, Real, Space
from metasolve.space.nearest import encoded_at

SPACE = Space(
    (
        Choice("ksp_type", ("cg", "gmres", "bcgs"), symmetric=("cg",)),
        Integer("restart", 10, 200, "log", default=30, when={"ksp_type": ("gmres",)}),
        Choice("pc_type", ("ilu", "icc", "sor"), symmetric=("icc",)),
        Integer("levels", 0, 4, default=0, when={"pc_type": ("ilu", "icc")}),
        Real("omega", 0.2, 1.9, default=1.0, when={"pc_type": ("sor",)}),
        Real("shift", 1e-6, 1.0, "log"),
        Flag("forward", when={"pc_type": ("sor",)}),
        Flag("backward", when={"forward": (False,)}),
        Integer("sweeps", 1, 3, when={"backward": (True,)}),
    )
)


@pytest.mark.parametrize("width", [0.5, 1.0, 3.0])
def test_they_are_encoded_as_each_alone(width):
    rng = np.random.default_rng(int(10 * width))
    z = width * rng.standard_normal((400, SPACE.dim))
    symmetric = rng.random(400) < 0.5
    alone = [
        SPACE.encode(SPACE.to_settings(each, bool(holds)))
        for each, holds in zip(z, symmetric, strict=True)
    ]
    # Option texts have six digits.
    np.testing.assert_allclose(encoded_at(SPACE, z, symmetric), alone, atol=1e-5)


def test_a_space_without_settings_has_no_coordinates():
    assert encoded_at(Space(()), np.zeros((3, 0)), np.ones(3, dtype=bool)).shape == (3, 0)
