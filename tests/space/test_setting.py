"""Laws of single settings."""

import numpy as np
import pytest

from metasolve.errors import SpaceError
from metasolve.space import Choice, Flag, Integer, Real
from metasolve.space.setting import with_default


def test_a_complex_number_is_no_number_whoever_made_it():
    for value in (1j, np.complex128(1.0)):
        with pytest.raises(SpaceError, match="not a number"):
            Real("omega", 0.5, 1.9).canonical(value)


def test_numbers_of_numpy_become_numbers_of_python():
    omega, levels = Real("omega", 0.5, 1.9), Integer("levels", 0, 5)
    assert type(omega.canonical(np.float32(1.5))) is float
    assert type(levels.canonical(np.int64(3))) is int
    assert omega.canonical(np.int8(1)) == 1.0


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        (Choice("pc", ("ilu", "sor")), "sor"),
        (Flag("fast"), True),
        (Integer("levels", 0, 5), 3),
        (Real("omega", 0.5, 1.9), 1.2),
    ],
)
def test_another_default_is_one_that_the_setting_can_have(setting, value):
    other = with_default(setting, value)
    assert other.preset == other.default == value
    with pytest.raises(SpaceError):
        with_default(setting, "nowhere")
